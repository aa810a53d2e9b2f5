"""``jobmonitor rebuild``: the views made anew from the log, compared, and swapped while everybody goes on reading."""

import asyncio
import sys
from typing import Annotated

from aiokafka.errors import KafkaError
from cyclopts import Parameter

from jobmonitor.cli.ask import confirmed
from jobmonitor.cli.commands.database import DATABASE_ERRORS
from jobmonitor.cli.errors import FAILED, USAGE, CommandError
from jobmonitor.cli.options import Injected, Kafka
from jobmonitor.cli.output import print_line
from jobmonitor.projection.rebuild.findings import Findings, in_words
from jobmonitor.projection.rebuild.rebuild import Rebuild
from jobmonitor.projection.rebuild.tables import RebuildRefused


def rebuild(
    *,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Only say what differs; exit status 1 if anything does.")
    ] = False,
    yes: Annotated[bool, Parameter(negative="", help="Swap without asking.")] = False,
    kafka: Kafka = None,
    context: Injected,
) -> int:
    """Replay the log into fresh tables beside the live ones, say what differs, and swap them; nobody has to stop.

    Reads JOBMONITOR_OWNER_URL; without it, it is about the local stack. Job#s stay. An interrupted rebuild changes
    nothing, and the next one tidies up after it.
    """
    if not (dry_run or yes or sys.stdin.isatty()):
        raise CommandError("Nobody can be asked here; --yes swaps without asking, --dry-run only compares.", USAGE)
    owner_url, broker = context.owner_url(), context.kafka(kafka)
    try:
        with asyncio.Runner() as runner:
            work = runner.run(Rebuild.open(owner_url, broker, _tell))
            try:
                return _prepare_and_swap(runner, work, dry_run=dry_run, yes=yes)
            finally:
                runner.run(work.close())
                if not work.swapped:
                    print_line("The live tables are as they were.")
    except RebuildRefused as error:
        raise CommandError(str(error)) from error
    except (*DATABASE_ERRORS, KafkaError) as error:
        raise CommandError(f"The rebuild broke off: {error}. Starting it again is safe.") from error


def _prepare_and_swap(runner: asyncio.Runner, work: Rebuild, *, dry_run: bool, yes: bool) -> int:
    findings = runner.run(work.prepare())
    _print(findings)
    if dry_run:
        return FAILED if findings.rows else 0
    if not yes and not confirmed("Swap the live tables for the rebuilt ones?"):
        return FAILED
    swapped = runner.run(work.swap())
    if swapped.tables != findings.tables:
        print_line("When they were swapped, this differed:")
        _print(swapped)
    print_line("The rebuilt tables are the live ones now.")
    return 0


def _print(findings: Findings) -> None:
    for line in in_words(findings):
        _tell(line)


def _tell(line: str) -> None:
    """At once, also where the output is a file: it may take minutes until the next line."""
    print_line(line)
    sys.stdout.flush()
