"""The statements of a rebuild: ``projection`` holds the live tables, ``projection_rebuild`` the fresh ones."""
