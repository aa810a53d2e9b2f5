"""How the processes are told who they are to the broker: settings that look safer than they are, are refused."""

import ssl
from pathlib import Path

import pytest

from jobmonitor.cli.context import CommandContext
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings, SettingsError, load

SERVICES = Path(__file__).parents[2] / "services"
LOGIN = {"JOBMONITOR_KAFKA_USERNAME": "jobmonitor-gateway", "JOBMONITOR_KAFKA_PASSWORD": "s3cret"}
PROTOCOL, CA_FILE = "JOBMONITOR_KAFKA_SECURITY_PROTOCOL", "JOBMONITOR_KAFKA_CA_FILE"


def test_without_settings_the_broker_asks_nobody_who_they_are() -> None:
    assert client_options(load(KafkaSettings, {})) == {"bootstrap_servers": "127.0.0.1:9092"}


def test_a_login_is_handed_to_every_client() -> None:
    settings = load(KafkaSettings, {**LOGIN, PROTOCOL: "SASL_PLAINTEXT"})
    options = client_options(settings)
    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("jobmonitor-gateway", "s3cret")


def test_with_ssl_the_certificate_and_the_name_of_the_broker_are_checked() -> None:
    context = client_options(load(KafkaSettings, {**LOGIN, PROTOCOL: "SASL_SSL"}))["ssl_context"]
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_no_client_is_opened_but_with_the_login() -> None:
    """Who names the broker's address to a client names the login too, as both come from one place."""
    sources = [path for path in SERVICES.rglob("*.py") if "bootstrap_servers" in path.read_text(encoding="utf-8")]
    assert [path.name for path in sources] == ["kafka_client.py"]


def test_the_password_is_in_no_text_made_of_the_settings() -> None:
    assert "s3cret" not in repr(load(KafkaSettings, {**LOGIN, PROTOCOL: "SASL_SSL"}))


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({PROTOCOL: "SASL_SSL"}, "JOBMONITOR_KAFKA_USERNAME and JOBMONITOR_KAFKA_PASSWORD are needed"),
        ({PROTOCOL: "SASL_SSL", "JOBMONITOR_KAFKA_USERNAME": "x"}, "JOBMONITOR_KAFKA_PASSWORD are needed"),
        (LOGIN, "with PLAINTEXT no broker asks for it"),
        ({**LOGIN, PROTOCOL: "SASL_PLAINTEXT", CA_FILE: "ca.pem"}, "SASL_PLAINTEXT encrypts nothing"),
        ({**LOGIN, PROTOCOL: "SSL"}, "JOBMONITOR_KAFKA_SECURITY_PROTOCOL cannot be read"),
        ({**LOGIN, PROTOCOL: "SASL_SSL", "JOBMONITOR_KAFKA_SASL_MECHANISM": "MD5"}, "SASL_MECHANISM cannot be read"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_words(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(KafkaSettings, environment)


def test_a_file_of_certificates_that_cannot_be_used_is_named_as_the_setting_at_fault(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "missing.pem"):
        settings = load(KafkaSettings, {**LOGIN, PROTOCOL: "SASL_SSL", CA_FILE: str(path)})
        with pytest.raises(SettingsError, match=CA_FILE):
            client_options(settings)


def test_the_command_line_logs_in_too_wherever_the_address_comes_from(tmp_path: Path) -> None:
    environment = {**LOGIN, PROTOCOL: "SASL_SSL", "JOBMONITOR_DATA_DIR": str(tmp_path)}
    settings = CommandContext(environment).kafka("broker:9092")
    assert (settings.kafka_bootstrap, settings.kafka_username) == ("broker:9092", "jobmonitor-gateway")
