"""Databases as earlier releases left them."""

from unittest.mock import patch

import alembic.command

from jobmonitor.database.migrate import migrate
from support.servers import ROLE_PASSWORDS, Database


def migrate_to(database: Database, revision: str) -> None:
    """Bring an empty database to the shape it had with this revision."""
    upgrade = alembic.command.upgrade
    with patch.object(alembic.command, "upgrade", lambda config, _: upgrade(config, revision)):
        migrate(database.owner_url, ROLE_PASSWORDS)
