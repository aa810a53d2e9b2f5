"""Statements of the live stream."""
