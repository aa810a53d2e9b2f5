"""Schedules: jobs that are submitted again and again, on the dates and at the local time of a zone."""
