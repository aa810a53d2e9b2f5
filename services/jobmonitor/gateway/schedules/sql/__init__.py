"""Statements on schedules."""
