"""The command line tool ``jobmonitor``: finds the command, runs it, says in one line what went wrong.

Exit status: 0 done; 1 it did not work out, or the watched job failed or was cancelled; 2 the command line or a setting
is wrong; 130 interrupted.
"""

import os
import sys
from collections.abc import Mapping, Sequence

from cyclopts import App, CycloptsError

from jobmonitor.cli.context import Context
from jobmonitor.cli.errors import USAGE, CommandError

INTERRUPTED = 130

COMMANDS = {
    "submit": "jobmonitor.cli.commands.submit:submit",
    "watch": "jobmonitor.cli.commands.watch:watch",
    "jobs": "jobmonitor.cli.commands.jobs:jobs",
    "show": "jobmonitor.cli.commands.jobs:show",
    "download": "jobmonitor.cli.commands.download:download",
    "stop": "jobmonitor.cli.commands.jobs:stop",
    "login": "jobmonitor.cli.commands.login:login",
    "logout": "jobmonitor.cli.commands.login:logout",
    "types": "jobmonitor.cli.commands.contract:types",
    "topics": "jobmonitor.cli.commands.contract:topics",
    "schemas": "jobmonitor.cli.commands.contract:schemas",
    "migrate": "jobmonitor.cli.commands.database:migrate",
    "demo": "jobmonitor.cli.commands.database:demo",
    "health": "jobmonitor.cli.commands.health:health",
}
"""Loaded only when used, so that no command waits for another's libraries."""


def application() -> App:
    """The tool, with all its commands."""
    app = App(name="jobmonitor", help="Long-running jobs people can see, stop and download.", help_format="plaintext")
    for name, place in COMMANDS.items():
        app.command(place, name=name)
    return app


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command line; returns its exit status."""
    try:
        command, bound, injected = application().parse_args(arguments, exit_on_error=False, print_error=False)
        for name in injected:
            bound.arguments[name] = Context(environment)
        status = command(*bound.args, **bound.kwargs)
    except CycloptsError as error:
        return _complain(f"{error} `jobmonitor --help` lists what there is.", USAGE)
    except CommandError as error:
        return _complain(str(error), error.exit_status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left, for instance `head`. Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status if isinstance(status, int) else 0


def _complain(message: str, status: int) -> int:
    print(f"jobmonitor: {' '.join(message.split())}", file=sys.stderr)
    return status


def main() -> None:
    """The entry point of the installed script."""
    sys.exit(run(sys.argv[1:], os.environ))


if __name__ == "__main__":
    main()
