"""What every Kafka client of ours is opened with: the broker's address, and our credentials."""

import ssl
from typing import Any

from jobmonitor.runtime.settings import PLAIN, KafkaSettings, SettingsError, variable_name


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """The options every producer, consumer and admin client of aiokafka takes. Raises SettingsError."""
    options: dict[str, Any] = {"bootstrap_servers": kafka.kafka_bootstrap}
    if kafka.kafka_security_protocol == PLAIN:
        return options
    return options | {
        "security_protocol": kafka.kafka_security_protocol,
        "sasl_mechanism": kafka.kafka_sasl_mechanism,
        "sasl_plain_username": kafka.kafka_username,
        "sasl_plain_password": kafka.kafka_password,
        "ssl_context": ssl_context(kafka),
    }


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """Checks the broker's certificate and name; None where nothing is encrypted. Raises SettingsError."""
    if kafka.kafka_security_protocol != "SASL_SSL":
        return None
    try:
        return ssl.create_default_context(cafile=kafka.kafka_ca_file or None)
    except OSError as error:  # includes what is wrong with a certificate
        raise SettingsError(f"{variable_name('kafka_ca_file')} cannot be used: {error}.") from error
