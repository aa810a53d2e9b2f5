"""The command line tool ``jobmonitor``: finds the command, runs it, says in one line what went wrong.

Exit status: 0 done; 1 it failed, or the watched job failed or was cancelled; 2 the command line or a setting is wrong,
or `check` could not look; 130 interrupted; 141 the reader of its output left, as `head` does.
"""

import logging
import sys
from collections.abc import Mapping, Sequence

from cyclopts import App, CycloptsError

from jobmonitor.cli.context import CommandContext
from jobmonitor.cli.errors import FAILED, USAGE, CommandError
from jobmonitor.cli.streams import OutputLost, give_up, prepare
from jobmonitor.runtime.settings import StartError

INTERRUPTED = 130
READER_LEFT = 141
"""128 and the number of SIGPIPE, by which programs end that do not catch it."""

COMMANDS = {
    "submit": ("submit:submit", "Publish a job to Kafka."),
    "watch": ("watch:watch", "Follow a job to its end."),
    "jobs": ("jobs:jobs", "List the jobs in the monitor, or in the history."),
    "show": ("jobs:show", "Show everything about one job."),
    "download": ("download:download", "Download a job's result."),
    "stop": ("jobs:stop", "Ask a job to stop."),
    "login": ("login:login", "Log in."),
    "logout": ("login:logout", "Log out."),
    "tokens create": ("tokens:create", "Make a token of your own, for programs; it is shown once."),
    "tokens list": ("tokens:list_tokens", "List your tokens, or the account's."),
    "tokens revoke": ("tokens:revoke", "Revoke a token."),
    "job-types": ("contract:job_types", "List what workers do of each job type at once."),
    "types": ("contract:types", "List the job types and their parameters."),
    "topics": ("contract:topics", "List the topics, or create them."),
    "schemas": ("contract:schemas", "Write or check the folder of schemas."),
    "dead-letters list": ("dead_letters:list_letters", "List the messages nobody could use."),
    "dead-letters show": ("dead_letters:show_letter", "Show one of them with its bytes."),
    "dead-letters redrive": ("dead_letters:redrive", "Publish one of them again."),
    "schedules list": ("schedules:list_schedules", "List the schedules, with their next times and last jobs."),
    "schedules add": ("schedules:add", "Let jobs of a type start by themselves."),
    "schedules pause": ("schedules:pause", "Let nothing of a schedule start until it is resumed."),
    "schedules resume": ("schedules:resume", "Let a paused schedule go on."),
    "schedules run-now": ("schedules:run_now", "Start a job of a schedule at once."),
    "schedules remove": ("schedules:remove", "Let nothing more of a schedule start."),
    "rebuild": ("rebuild:rebuild", "Make the views anew from the log and swap them."),
    "migrate": ("database:migrate", "Bring the database to the newest shape."),
    "demo": ("database:demo", "Fill an empty database with made-up accounts."),
    "check": ("check:check_everything", "Verify what should always hold."),
    "health": ("health:health", "Ask the process in this container whether it is ready."),
}
"""Where each command is, and what it does. It is loaded only when used: no command waits for another's libraries."""
GROUPS = {
    "dead-letters": "See and redrive the messages nobody could use.",
    "tokens": "Make, list and revoke tokens, with which programs ask in your name.",
    "schedules": "See and change when jobs start by themselves.",
}
"""Commands of two words stand together under the first."""


def application() -> App:
    """The tool, with all its commands."""
    app = App(name="jobmonitor", help="Long-running jobs people can see, stop and download.", help_format="plaintext")
    groups = {name: App(name=name, help=text) for name, text in GROUPS.items()}
    for group in groups.values():
        app.command(group)
    for words, (target, text) in COMMANDS.items():
        *first, name = words.split()
        parent = groups[first[0]] if first else app
        parent.command(f"jobmonitor.cli.commands.{target}", name=name, help=text)
    return app


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command line; returns its exit status."""
    try:
        command, bound, injected = application().parse_args(arguments, exit_on_error=False, print_error=False)
        for name in injected:
            bound.arguments[name] = CommandContext(environment)
        status = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except CycloptsError as error:
        return _complain(f"{error} `jobmonitor --help` lists what there is.", USAGE)
    except CommandError as error:
        return _complain(str(error), error.exit_status)
    except StartError as error:
        return _complain(str(error), USAGE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OutputLost as lost:
        give_up(sys.stdout)
        return READER_LEFT if lost.reader_left else _complain(f"The output cannot be written: {lost}.", FAILED)
    except UnicodeError as error:
        return _complain(f"Something given is not text in UTF-8: {_quoted(error)}.", USAGE)
    except OSError as error:
        return _complain(f"{error.filename or 'A file'}: {error.strerror or error}.", FAILED)
    return status if isinstance(status, int) else 0


def _quoted(error: UnicodeError) -> str:
    """The text at fault, with escapes."""
    found = error.object if isinstance(error, UnicodeEncodeError | UnicodeDecodeError) else ""
    return ascii(found[:100])


def _complain(message: str, status: int) -> int:
    print(f"jobmonitor: {' '.join(message.split())}", file=sys.stderr)
    return status


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command line on the standard streams of this process; returns its exit status."""
    logging.disable()  # the libraries' logs: what matters of them is in our own line
    try:
        prepare()
    except CommandError as error:
        return _complain(str(error), error.exit_status)
    return run(arguments, environment)
