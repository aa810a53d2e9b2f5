"""Statements on downloads."""
