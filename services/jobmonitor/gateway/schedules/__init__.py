"""Schedules as the API takes, keeps and shows them."""
