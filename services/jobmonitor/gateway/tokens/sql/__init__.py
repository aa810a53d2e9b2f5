"""Statements on tokens."""
