"""What the terminal says once the stack runs."""

from jobmonitor.crm.demo.accounts import HARBOUR, RIVERBANK, DemoAccount
from jobmonitor.crm.demo_login import PASSWORD


def welcome(http_url: str, logs: str, started_in_s: float) -> str:
    """Where the page is and who may log in."""
    lines = [
        "",
        f"Job Monitor runs at {http_url} (started in {started_in_s:.1f} s)",
        f"Log in with the password {PASSWORD} as",
        *_logins(RIVERBANK),
        *_logins(HARBOUR),
        f"Logs: {logs}. Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)


def _logins(account: DemoAccount) -> list[str]:
    return [f"  {user.email:<18} {user.user_type.replace('_', ' ').title()}, {account.name}" for user in account.users]
