"""Statements on sessions."""
