"""Private tokens, with which programs ask in the name of whoever is logged in."""

import sys
from typing import Annotated

from cyclopts import Parameter

from jobmonitor.cli.client import Body, Client, refusal
from jobmonitor.cli.options import Injected, Json, Url
from jobmonitor.cli.output import at, print_json, print_line, print_table

TOKENS = "/api/v1/tokens"


def create(*, json: Json = False, url: Url = None, context: Injected) -> None:
    """Make a token of your own and print it: this once. There is one of a user at a time."""
    with Client.of(context, url) as client:
        made = client.post(TOKENS)
    if json:
        print_json(made)
        return
    print_line(made["token"])
    print(
        f"This is token {made['id']}. Keep it as a password: nobody can show it again. "
        f"`jobmonitor tokens revoke {made['id']}` ends it.",
        file=sys.stderr,
    )


def list_tokens(*, json: Json = False, url: Url = None, context: Injected) -> None:
    """List your tokens, without the tokens themselves; for a Super Admin those of the account."""
    with Client.of(context, url) as client:
        listed = client.get(TOKENS)
        zone = client.get("/api/v1/session")["account"]["time_zone"]
    if json:
        print_json(listed)
        return
    print_table(("Id", "User", "Made", "Revoked"), (_row(each, zone) for each in listed["items"]))


def revoke(
    token: Annotated[int, Parameter(help="The token's id, as `jobmonitor tokens list` shows.")],
    /,
    *,
    url: Url = None,
    context: Injected,
) -> None:
    """Revoke a token: nothing can be asked for with it any more. Repeatable."""
    with Client.of(context, url) as client:
        response = client.request("DELETE", f"{TOKENS}/{token}")
        if response.is_error:
            raise refusal(response)
    print_line(f"Token {token} is revoked.")


def _row(item: Body, zone: str) -> tuple[str, ...]:
    user = item["user"]
    return str(item["id"]), f"{user['name']} ({user['id']})", at(item["created_at"], zone), at(item["revoked_at"], zone)
