"""The contract on the command line: job types, topics, schemas."""

import asyncio
from pathlib import Path
from typing import Annotated

from aiokafka.errors import KafkaError
from cyclopts import Parameter

from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.options import Injected, Json, Kafka
from jobmonitor.cli.output import print_json, print_line, print_table
from jobmonitor.cli.schema_files import differences, write
from jobmonitor.cli.settings import ClientSettings
from jobmonitor.contract.access import USERS, commands
from jobmonitor.contract.documents import parameters_schema, topics_document
from jobmonitor.contract.topics import catalogue
from jobmonitor.job_types.capacity import check_names, table
from jobmonitor.job_types.registry import offered, slugs
from jobmonitor.runtime.settings import KafkaSettings
from jobmonitor.runtime.topic_admin import PARTITIONS, TopicsDiffer, create_topics

DAY_MS = 24 * 60 * 60 * 1000


def types(*, json: Json = False) -> None:
    """List the job types, with the schema of their parameters in JSON."""
    if json:
        schemas = [(known, parameters_schema(known.slug, known.title, known.params_type)) for known in offered()]
        print_json(
            [
                {"type": known.slug, "name": known.title, "unit": known.unit, "parameters_schema": schema}
                for known, schema in schemas
            ]
        )
        return
    for known in offered():
        schema = parameters_schema(known.slug, known.title, known.params_type)
        print_line(f"{known.slug}: {known.title}, counts {known.unit}, permission {known.permission}")
        for name, field in schema["properties"].items():
            need = "required" if name in schema.get("required", []) else "optional"
            print_line(f"  {name} ({need}): {field.get('description', '')}")


def job_types(*, json: Json = False, context: Injected) -> None:
    """List what the workers do of each job type at once, as JOBMONITOR_JOB_TYPE_CAPACITY changes it."""
    rows = table(offered(), context.settings(ClientSettings))
    if json:
        print_json([row._asdict() for row in rows])
        return
    columns = ("Job type", "Slots", "Tries", "Partitions", "Chunks in flight", "Workers")
    print_table(columns, [[str(cell) for cell in row] for row in rows])


def topics(
    *,
    create: Annotated[bool, Parameter(negative="", help="Create those that are missing.")] = False,
    alter: Annotated[
        bool, Parameter(negative="", help="With --create: give those that are there the catalogue's settings.")
    ] = False,
    with_probe: Annotated[
        bool, Parameter(negative="", help="With --create: those of the job type probe too, for tests and measurements.")
    ] = False,
    access: Annotated[
        bool, Parameter(negative="", help="Print the commands that let each kind of program do what it must, no more.")
    ] = False,
    replication_factor: Annotated[int, Parameter(help="Copies of each topic created: 3 on a real cluster.")] = 1,
    json: Json = False,
    kafka: Kafka = None,
    context: Injected,
) -> None:
    """List the catalogue of topics, or make the broker's topics those of the catalogue.

    Where a topic differs, each difference is told and nothing is done (exit status 1).
    """
    if alter and not create:
        raise CommandError("--alter goes with --create.", USAGE)
    if with_probe and not create:
        raise CommandError("--with-probe goes with --create.", USAGE)
    if access:
        _print_access(json=json)
        return
    created = _create(context.kafka(kafka), replication_factor, alter=alter, with_probe=with_probe) if create else []
    listed = catalogue(slugs(with_probe=False), context.settings(ClientSettings).partitions())
    if json:
        print_json({**topics_document(listed), **({"created": created} if create else {})})
    elif create:
        print_line(f"Created: {', '.join(created)}." if created else "All topics are there.")
    else:
        rows = [(t.name, str(t.partitions), _days(t.retention_ms), t.key, t.purpose) for t in listed]
        print_table(("Topic", "Partitions", "Kept", "Key", "Purpose"), rows)


def schemas(
    *,
    output: Annotated[Path, Parameter(help="The folder.")] = Path("schemas"),
    check: Annotated[bool, Parameter(negative="", help="Change nothing; fail where something differs.")] = False,
) -> None:
    """Write the schemas, topics and AsyncAPI document made from the types."""
    paths = differences(output) if check else write(output)
    if check and paths:
        raise CommandError(f"{output} differs from the types: {', '.join(paths)}. Run `jobmonitor schemas`.")
    print_line(f"{output}: {', '.join(paths) + ' written' if paths else 'up to date'}.")


def _print_access(*, json: bool) -> None:
    if json:
        print_json({"users": USERS})
        return
    for command in commands():
        print_line(command)


def _create(kafka: KafkaSettings, replication_factor: int, *, alter: bool, with_probe: bool) -> list[str]:
    check_names(kafka)
    wanted = catalogue(slugs(with_probe=with_probe or kafka.with_probe), kafka.partitions())
    try:
        return asyncio.run(create_topics(kafka, wanted, replication_factor=replication_factor, alter=alter))
    except TopicsDiffer as error:
        mended = all(difference.setting != PARTITIONS for difference in error.differences)
        hint = " `jobmonitor topics --create --alter` gives them the catalogue's." if mended else ""
        raise CommandError(f"{error}{hint}") from error
    except (KafkaError, OSError) as error:
        raise CommandError(f"Kafka at {kafka.kafka_bootstrap} did not create the topics: {error}.") from error


def _days(retention_ms: int) -> str:
    return "for ever" if retention_ms < 0 else f"{retention_ms // DAY_MS} days"
