"""Uploads: files that jobs read."""
