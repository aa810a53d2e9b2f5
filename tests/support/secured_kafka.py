"""A broker that asks who its clients are and allows each what the table of access says, and nothing else.

All that is said to it is encrypted; it shows a certificate of its own making, which its clients have to be told of.
"""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from jobmonitor.contract.access import USERS, Grant, KafkaUser
from jobmonitor.local.kafka import JAVA, KafkaServer
from jobmonitor.local.ports import HOST
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings, variable_name

KEYS_PASSWORD = "keys-password"
MECHANISM: Literal["SCRAM-SHA-512"] = "SCRAM-SHA-512"
ADMIN, STRANGER = "admin", "somebody-without-rights"
LISTENER = f"listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config"
# What Kafka's protocol calls these.
KINDS = {"topic": 2, "group": 3}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}
LITERAL, PREFIXED, ALLOW = 3, 4, 3


class SecuredKafka(KafkaServer):
    """Only its administrator may do everything; the users of the table exist, each with its rights, and a stranger."""

    def __init__(self, folder: Path, *, jars: Path) -> None:
        names = [ADMIN, STRANGER, *(user.name for user in USERS)]
        logins = [f"--add-scram={MECHANISM}=[name={name},password={password_of(name)}]" for name in names]
        self.certificate = folder / "certificate.pem"
        folder.mkdir()
        _make_certificate(folder / "keys.p12", self.certificate)
        settings = _settings(folder / "keys.p12", self.certificate)
        super().__init__(folder, jars=jars, settings=settings, format_options=logins)

    def login(self, name: str, password: str | None = None) -> KafkaSettings:
        """How this user reaches the broker."""
        return KafkaSettings(
            kafka_bootstrap=self.bootstrap,
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_mechanism=MECHANISM,
            kafka_username=name,
            kafka_password=password or password_of(name),
            kafka_ca_file=str(self.certificate),
        )

    def environment(self, name: str) -> dict[str, str]:
        """The same for a process."""
        login = self.login(name)
        fields = ("bootstrap", "security_protocol", "sasl_mechanism", "username", "password", "ca_file")
        return {variable_name(f"kafka_{field}"): getattr(login, f"kafka_{field}") for field in fields}

    async def allow(self, users: Iterable[KafkaUser] = USERS) -> None:
        """Give these users their rights. Repeatable."""
        admin = AIOKafkaAdminClient(**client_options(self.login(ADMIN)))
        await admin.start()
        try:
            for user in users:
                for request in _requests(user):
                    ((error, message),) = (await admin._send_to_controller(request)).creation_responses
                    assert error == 0, message
        finally:
            await admin.close()


def password_of(name: str) -> str:
    return f"{name}-password"


def _make_certificate(keys: Path, certificate: Path) -> None:
    """For this address, signed by itself."""
    whom = ["-dname", "CN=broker", "-ext", f"san=ip:{HOST}", "-ext", "bc:c=ca:true"]
    store = ["-alias", "broker", "-storetype", "PKCS12", "-keystore", str(keys), "-storepass", KEYS_PASSWORD]
    tool = str(JAVA.with_name("keytool"))
    subprocess.run([tool, "-genkeypair", "-keyalg", "EC", "-validity", "2", *whom, *store], check=True, timeout=60)
    subprocess.run([tool, "-exportcert", "-rfc", "-file", str(certificate), *store], check=True, timeout=60)


def _settings(keys: Path, certificate: Path) -> Mapping[str, str]:
    login = f'username="{ADMIN}" password="{password_of(ADMIN)}"'
    return {
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL",
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(keys),
        "ssl.keystore.password": KEYS_PASSWORD,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificate),
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        LISTENER: f"org.apache.kafka.common.security.scram.ScramLoginModule required {login};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Nameless is only who comes by the controller's listener: the broker itself.
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
    }


def _requests(user: KafkaUser) -> Iterator[CreateAclsRequest]:
    for grant in user.grants:
        for operation in grant.operations:
            yield _request(user, grant, operation)


def _request(user: KafkaUser, grant: Grant, operation: str) -> CreateAclsRequest:
    return CreateAclsRequest(
        resource_type=KINDS[grant.kind],
        resource_name=grant.name,
        resource_pattern_type_filter=PREFIXED if grant.is_prefix else LITERAL,
        principal=f"User:{user.name}",
        host="*",
        operation=OPERATIONS[operation],
        permission_type=ALLOW,
    )


@contextmanager
def secured_kafka(folder: Path, jars: Path) -> Iterator[SecuredKafka]:
    """Started; without topics and rights."""
    server = SecuredKafka(folder, jars=jars)
    server.start()
    try:
        yield server
    finally:
        server.stop()
