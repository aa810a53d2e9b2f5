"""The check's statements, one a file."""
