"""The reconciler's statements, one a file."""
