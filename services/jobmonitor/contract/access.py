"""Who may do what at a broker that asks: one user for each kind of program, and no more rights than it needs.

``jobmonitor topics --access`` prints it as commands, docs/kafka-access.md shows it as a table.

An operation implies Describe of the same thing, as Kafka has it. Idempotent producers need nothing besides Write since
Kafka 3.0 (KIP-679); nobody of ours uses transactions. Anything not named here is refused by an authorizer that denies
by default, as Kafka's StandardAuthorizer does.
"""

from dataclasses import dataclass
from typing import Literal

from jobmonitor.contract.topics import DEAD_LETTERS, jobs_topic, requests_topic, work_topic

ResourceKind = Literal["topic", "group"]
Operation = Literal["Read", "Write", "Create", "Describe", "DescribeConfigs", "AlterConfigs"]

REQUESTS, FACTS, WORK = requests_topic(""), jobs_topic(""), work_topic("")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user may do with all topics or groups whose names begin with a prefix, or with the one of that name."""

    kind: ResourceKind
    name: str
    is_prefix: bool
    operations: tuple[Operation, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class KafkaUser:
    """One kind of program. ``name`` is a proposal; the rights are what matters."""

    name: str
    purpose: str
    grants: tuple[Grant, ...]


def _topics(prefix: str, *operations: Operation, reason: str) -> Grant:
    return Grant("topic", prefix, is_prefix=True, operations=operations, reason=reason)


def _dead_letters(*operations: Operation, reason: str) -> Grant:
    return Grant("topic", DEAD_LETTERS, is_prefix=False, operations=operations, reason=reason)


def _groups(prefix: str, reason: str) -> Grant:
    return Grant("group", prefix, is_prefix=True, operations=("Read",), reason=reason)


_MAINTENANCE: tuple[Operation, ...] = ("Read", "Write", "Create", "DescribeConfigs", "AlterConfigs")

USERS: tuple[KafkaUser, ...] = (
    KafkaUser(
        "jobmonitor-producer",
        "A program that submits and stops jobs. Grant one topic instead of the prefix to allow one job type only.",
        (_topics(REQUESTS, "Write", reason="submissions and stops"),),
    ),
    KafkaUser(
        "jobmonitor-follower",
        "A program that follows jobs. It names its consumer groups after its user.",
        (
            _topics(FACTS, "Read", reason="what happens to jobs"),
            _groups("jobmonitor-follower", reason="its place in the log"),
        ),
    ),
    KafkaUser(
        "jobmonitor-processor",
        "The workers.",
        (
            _topics(REQUESTS, "Read", "Write", reason="submissions and stops; jobs that a job submits"),
            _topics(WORK, "Read", "Write", reason="chunks to run, and the next ones"),
            _topics(FACTS, "Write", reason="what happened to a job"),
            _dead_letters("Write", reason="chunks nobody can use"),
            _groups("jobmonitor-processor-", reason="a group for each job type"),
        ),
    ),
    KafkaUser(
        "jobmonitor-projection",
        "Makes the views.",
        (
            _topics(REQUESTS, "Read", reason="a job is seen as soon as it is sent"),
            _topics(FACTS, "Read", reason="what the views are made from"),
            _dead_letters("Write", reason="messages nobody can use"),
            _groups("jobmonitor-projection", reason="which process follows which partitions"),
        ),
    ),
    KafkaUser(
        "jobmonitor-reconciler",
        "Sends again what was committed or requested, and not consumed.",
        (
            _topics(REQUESTS, "Write", "DescribeConfigs", reason="requests nobody accepted; topics that differ"),
            _topics(WORK, "Write", "DescribeConfigs", reason="chunks nobody runs; topics that differ"),
            _topics(
                FACTS, "Write", "DescribeConfigs", reason="facts a process died before sending; topics that differ"
            ),
            _dead_letters("Write", "DescribeConfigs", reason="what cannot be sent; topics that differ"),
        ),
    ),
    KafkaUser(
        "jobmonitor-gateway",
        "Takes requests over HTTP, and tells that a result was downloaded.",
        (
            _topics(REQUESTS, "Write", reason="submissions and stops"),
            _topics(FACTS, "Write", reason="downloads"),
        ),
    ),
    KafkaUser(
        "jobmonitor-operator",
        "The command line: topics, dead letters, check, rebuild. It may do everything with our topics but delete them.",
        (
            *(
                _topics(prefix, *_MAINTENANCE, reason="create, compare, check, rebuild, redrive")
                for prefix in (REQUESTS, FACTS, WORK)
            ),
            _dead_letters(*_MAINTENANCE, reason="create, compare, check, rebuild, redrive"),
        ),
    ),
)


def commands(users: tuple[KafkaUser, ...] = USERS) -> list[str]:
    """The same as commands of Kafka's own tool; repeating them changes nothing."""
    return [_command(user, grant) for user in users for grant in user.grants]


def _command(user: KafkaUser, grant: Grant) -> str:
    operations = " ".join(f"--operation {operation}" for operation in grant.operations)
    pattern = "prefixed" if grant.is_prefix else "literal"
    return (
        'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config admin.properties --add '
        f"--allow-principal User:{user.name} {operations} --{grant.kind} {grant.name} --resource-pattern-type {pattern}"
    )


def table() -> str:
    """The same for people, in Markdown."""
    rows = [
        (user.name, f"{grant.kind} `{grant.name}{'*' if grant.is_prefix else ''}`", ", ".join(grant.operations), grant)
        for user in USERS
        for grant in user.grants
    ]
    lines = [f"| {name} | {what} | {operations} | {grant.reason} |" for name, what, operations, grant in rows]
    return "\n".join(["| user | of | may | for |", "|---|---|---|---|", *lines])
