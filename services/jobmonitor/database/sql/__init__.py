"""The statements of pools and migrations."""
