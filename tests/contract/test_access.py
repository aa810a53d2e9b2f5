"""docs/kafka-access.md, the commands for operators and the rights the tests run under are one and the same table."""

from pathlib import Path

from jobmonitor.contract.access import USERS, commands, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "kafka-access.md"


def test_the_document_shows_the_table() -> None:
    assert table() in DOCUMENT.read_text(), f"{DOCUMENT.name} has to contain:\n{table()}"


def test_every_right_is_granted_by_a_command() -> None:
    lines = commands()
    assert len(lines) == sum(len(user.grants) for user in USERS)
    assert lines[0].endswith(
        "User:jobmonitor-producer --operation Write --topic requests. --resource-pattern-type prefixed"
    )


def test_only_our_own_processes_and_operators_may_write_facts_and_chunks() -> None:
    outsiders = {"jobmonitor-producer", "jobmonitor-follower"}
    for user in USERS:
        writable = {grant.name for grant in user.grants if grant.kind == "topic" and "Write" in grant.operations}
        if user.name in outsiders:
            assert writable <= {"requests."}
