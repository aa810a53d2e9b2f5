"""How the local stack fails: one line that says what happened and what to do."""


class LocalError(Exception):
    """Something on this machine is in the way. The message is one line for the person at the terminal."""
