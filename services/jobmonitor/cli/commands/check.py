"""``jobmonitor check``: whether everything that should always hold does."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from jobmonitor.checker import CheckSettings, CouldNotLook, Finding, Report, check
from jobmonitor.cli.context import CommandContext
from jobmonitor.cli.errors import FAILED, USAGE, CommandError
from jobmonitor.cli.options import Injected, Json, Kafka
from jobmonitor.cli.output import print_json, print_line
from jobmonitor.cli.settings import MailSettings
from jobmonitor.runtime.settings import KafkaSettings, ObjectStoreSettings


def check_everything(
    *,
    calm: Annotated[
        bool, Parameter(negative="", help="Nothing is in motion any more: what is still open counts as lost.")
    ] = False,
    client_history: Annotated[
        Path | None, Parameter(help="A file of JSON lines with what clients asked and were told.")
    ] = None,
    json: Json = False,
    kafka: Kafka = None,
    context: Injected,
) -> int:
    """Read log, ledger, views, files and mail, and verify what should always hold. Changes nothing.

    Reads JOBMONITOR_OWNER_URL, JOBMONITOR_OBJECT_STORE_URL and JOBMONITOR_MAIL_FOLDER; without the first it looks at
    the local stack. Exit status 0: all holds; 1: something does not; 2: it could not look.
    """
    where = _where(context, context.kafka(kafka))
    try:
        report = asyncio.run(check(where, history=client_history, calm=calm))
    except CouldNotLook as error:
        raise CommandError(str(error), USAGE) from error
    if json:
        print_json({**msgspec.to_builtins(report), "holds": report.holds})
    else:
        _print(report)
    return 0 if report.holds else FAILED


def _where(context: CommandContext, kafka: KafkaSettings) -> CheckSettings:
    """Only the owner sees all rows."""
    owner_url, folder = context.owner_url(), context.data_folder
    if context.asks_the_local_stack:
        objects, mail = (folder / "objects").as_uri(), str(folder / "mail")
    else:
        objects = context.settings(ObjectStoreSettings).object_store_url
        mail = context.settings(MailSettings).mail_folder
    return CheckSettings(owner_url=owner_url, kafka=kafka, object_store_url=objects, mail_folder=mail)


def _print(report: Report) -> None:
    for finding in report.findings:
        print_line(f"{finding.invariant:<4} {_verdict(finding)}  {finding.says}")
        for example in finding.examples:
            print_line(f"       {example}")
        if finding.violations > len(finding.examples):
            print_line(f"       and {finding.violations - len(finding.examples):,} more")
    seen = f"{report.jobs:,} jobs in {report.messages:,} messages looked at"
    if report.holds:
        print_line(f"Everything holds; {seen}.")
    else:
        print_line(f"Violated: {', '.join(report.violated)}; {seen}.")


def _verdict(finding: Finding) -> str:
    if finding.status == "does not apply":
        return f"does not apply: {finding.why_not}"
    return f"{'OK' if finding.status == 'ok' else 'VIOLATED':<8} {finding.looked_at:>9,} looked at"
