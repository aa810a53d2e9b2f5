"""The projection's statements, one a file."""
