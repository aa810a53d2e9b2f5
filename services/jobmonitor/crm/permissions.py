"""The permissions a permission group can grant: each is needed to start a job type, ``jobs.view`` to see one's jobs."""

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
"""The keys are our own; an Admin and a Super Admin have them all, a User those of the permission group."""


def permissions_of(user_type: str, granted: list[str]) -> frozenset[str]:
    """What somebody may do. Keys a group holds beyond the known ones grant nothing."""
    return PERMISSIONS & frozenset(granted) if user_type == "user" else PERMISSIONS
