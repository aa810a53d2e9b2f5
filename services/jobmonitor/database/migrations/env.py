"""Alembic's entry: the connection comes from ``jobmonitor.database.migrate``, which holds the lock."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], target_metadata=None, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
