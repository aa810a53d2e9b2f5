"""How tests reach a broker that asks nobody who they are."""

from jobmonitor.runtime.settings import KafkaSettings


def broker_at(bootstrap: str) -> KafkaSettings:
    """The settings of a client of this broker, which may have the topics of probes too."""
    return KafkaSettings(kafka_bootstrap=bootstrap, with_probe=True)
