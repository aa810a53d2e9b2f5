"""Fixtures of the unit tests."""

import pytest

from support.job_events import JobEvents


@pytest.fixture
def job() -> JobEvents:
    """A job without events."""
    return JobEvents()
