"""How anybody logs in to the demo."""

EMAIL = "super@demo.test"
"""Of the Super Admin of its first account."""
PASSWORD = "jobmonitor-demo"  # noqa: S105 - meant to be known
"""Of every demo login. Known to everybody, so a gateway refuses it unless it runs the demo."""
