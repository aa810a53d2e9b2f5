"""The database: its shape, and the demo's data."""

from typing import Annotated

import asyncpg
from cyclopts import Parameter
from sqlalchemy.exc import SQLAlchemyError

from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.options import Injected
from jobmonitor.cli.output import print_line
from jobmonitor.cli.settings import MigrateSettings, OwnerSettings
from jobmonitor.crm import demo as crm_demo
from jobmonitor.database.migrate import ROLES, UnknownSchemaVersion
from jobmonitor.database.migrate import migrate as migrate_database
from jobmonitor.job_types.registry import permissions

DATABASE_ERRORS = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)


def migrate(*, context: Injected) -> None:
    """Bring the database to the newest shape and set the passwords of the processes' roles. Repeatable.

    Reads JOBMONITOR_OWNER_URL, JOBMONITOR_WORKER_PASSWORD, JOBMONITOR_PROJECTION_PASSWORD and
    JOBMONITOR_GATEWAY_PASSWORD.
    """
    settings = context.settings(MigrateSettings)
    passwords = (settings.worker_password, settings.projection_password, settings.gateway_password)
    try:
        migrate_database(settings.owner_url, dict(zip(ROLES, passwords, strict=True)))
    except UnknownSchemaVersion as error:
        raise CommandError(str(error)) from error
    except DATABASE_ERRORS as error:
        raise _not_reached(error) from error
    print_line("The database has the newest shape.")


def demo(
    *,
    supporters: Annotated[
        int, Parameter(help="Supporters in the first account, 1,000,000 at most.")
    ] = crm_demo.SUPPORTERS,
    context: Injected,
) -> None:
    """Fill an empty database with two made-up accounts. Does nothing where there are accounts.

    Reads JOBMONITOR_OWNER_URL.
    """
    if not 1 <= supporters <= crm_demo.SUPPORTERS_MAX:
        raise CommandError(f"--supporters must be between 1 and {crm_demo.SUPPORTERS_MAX:,}.", USAGE)
    settings = context.settings(OwnerSettings)
    try:
        added = crm_demo.seed(settings.owner_url, supporters, permissions(), print_line)
    except DATABASE_ERRORS as error:
        raise _not_reached(error) from error
    print_line("The demo's data is there." if added else "There are accounts already; nothing was added.")


def _not_reached(error: Exception) -> CommandError:
    return CommandError(f"Database error: {error}. Check JOBMONITOR_OWNER_URL, and that the server runs.")
