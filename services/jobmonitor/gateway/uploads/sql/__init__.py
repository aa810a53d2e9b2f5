"""Statements on uploads."""
