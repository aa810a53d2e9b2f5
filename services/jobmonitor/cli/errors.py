"""How a command fails: one line in words on standard error, and an exit status."""

from jobmonitor.runtime.settings import KafkaSettings

FAILED = 1
"""The command failed: so did the job, or the server refused, or nobody answered."""
USAGE = 2
"""The command line itself is wrong."""


class CommandError(Exception):
    """Ends the command. The message says what happened and what to do."""

    def __init__(self, message: str, exit_status: int = FAILED) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def no_answer(kafka: KafkaSettings) -> CommandError:
    """The broker says nothing; to a client with a wrong password neither."""
    right = "are address, user and password right" if kafka.kafka_username else "is the address right"
    return CommandError(f"Kafka at {kafka.kafka_bootstrap} does not answer. Is it running, and {right}?")
