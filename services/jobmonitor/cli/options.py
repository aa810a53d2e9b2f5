"""Options several commands share."""

from typing import Annotated, TypeAlias

from cyclopts import Parameter

from jobmonitor.cli.context import CommandContext

Injected: TypeAlias = Annotated[CommandContext, Parameter(parse=False)]
"""Handed in by the main module, not given on the command line."""

Url: TypeAlias = Annotated[
    str | None, Parameter(name="--url", help="Address of the gateway. Default: JOBMONITOR_URL, else the local stack.")
]
Kafka: TypeAlias = Annotated[
    str | None,
    Parameter(name="--kafka", help="host:port of a broker. Default: JOBMONITOR_KAFKA_BOOTSTRAP, else the local stack."),
]
Json: TypeAlias = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
JobName: TypeAlias = Annotated[str, Parameter(help="The job's number, or its id.")]
