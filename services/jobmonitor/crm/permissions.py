"""The permissions a permission group can grant: each is needed to start a job type, ``jobs.view`` to see one's jobs."""

from collections.abc import Collection, Iterable

PERMISSIONS = frozenset(
    {
        "email.bounces",
        "email.send",
        "api.token",
        "export",
        "import",
        "jobs.view",
        "messages",
        "political",
        "receipts",
        "reports",
        "supporters.delete",
        "transactions.import",
    }
)
"""The CRM's own, whether or not there is a job type that needs them. The keys are our own."""


def known_permissions(needed: Iterable[str]) -> frozenset[str]:
    """The CRM's and those that job types need besides."""
    return PERMISSIONS.union(needed)


def permissions_of(user_type: str, granted: Collection[str], known: frozenset[str]) -> frozenset[str]:
    """What somebody may do: a User what the permission group grants, an Admin, a Super Admin, and the system user, in
    whose name jobs start by themselves, everything.

    Keys a group holds beyond the known ones grant nothing.
    """
    return known.intersection(granted) if user_type == "user" else known
