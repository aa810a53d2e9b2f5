"""Statements that delete what is no longer needed."""
