"""Times as an account sees them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def in_zone(instant: datetime, zone: str) -> datetime:
    """The instant in the zone (IANA); in UTC where that is unknown, or has no such moment, as at the ends of time."""
    try:
        return instant.astimezone(ZoneInfo(zone))
    except (OverflowError, ValueError, ZoneInfoNotFoundError):
        return instant.replace(tzinfo=UTC)
