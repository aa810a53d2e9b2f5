"""How a command fails: one line in words on standard error, and an exit status."""

FAILED = 1
"""The thing asked for did not work out: the job failed, the server said no, the network is away."""
USAGE = 2
"""The command line itself is wrong."""


class CommandError(Exception):
    """Ends the command. The message says what happened and what to do."""

    def __init__(self, message: str, exit_status: int = FAILED) -> None:
        super().__init__(message)
        self.exit_status = exit_status
