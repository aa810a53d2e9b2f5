"""Who is logged in."""

import getpass
import sys
from typing import Annotated

from cyclopts import Parameter

from jobmonitor.cli.client import Client
from jobmonitor.cli.options import Injected, Url
from jobmonitor.cli.output import print_line


def login(
    email: Annotated[str, Parameter(help="Your e-mail address.")],
    /,
    *,
    url: Url = None,
    context: Injected,
) -> None:
    """Log in and stay so. The password is asked for, or read from standard input; it is never an option."""
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with Client.of(context, url) as client:
        who = client.log_in(email, password)
        print_line(f"Logged in at {client.url} as {who['user']['name']}, {who['account']['name']}.")


def logout(*, url: Url = None, context: Injected) -> None:
    """Log out. Repeatable."""
    with Client.of(context, url) as client:
        client.log_out()
        print_line(f"Logged out at {client.url}.")
