"""Statements of the rebuild."""
