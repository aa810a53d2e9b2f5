"""The database's schema: migrations (plain SQL, run by Alembic under a lock), roles, and connection pools."""
