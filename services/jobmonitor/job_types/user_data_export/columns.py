"""The columns of the User Data Export, for each of its formats: their headings and their cells.

The vendor's pages name the transaction format's columns and their order; that there are 20 of Campaign Data and 10
external references is our decision, and so are the hybrid format's cells (``Y`` where a supporter was active).
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from jobmonitor.job_types.user_data_export.layout import Layout
from jobmonitor.job_types.user_data_export.rows import Entry, Supporter

CAMPAIGN_DATA_COLUMNS = 20
EXTERNAL_REFERENCE_COLUMNS = 10

_ENTRY_HEADINGS = (
    "Account ID",
    "Supporter ID",
    "Supporter Email",
    "Date Created",
    "Date Modified",
    "Campaign Number",
    "Campaign Type",
    "Campaign ID",
    "Campaign Date",
    "Campaign Time",
    "Campaign Status",
    *(f"Campaign Data {number}" for number in range(1, CAMPAIGN_DATA_COLUMNS + 1)),
    *(f"External Reference {number}" for number in range(1, EXTERNAL_REFERENCE_COLUMNS + 1)),
    "Origin Source",
)


def user_headings(layout: Layout) -> list[str]:
    """The supporter's fields and nothing else."""
    return [field.name for field in layout.fields]


def transaction_headings(layout: Layout) -> list[str]:
    """What is common to all types, what depends on the type, then the supporter's fields."""
    return [*_ENTRY_HEADINGS, *user_headings(layout)]


def hybrid_headings(layout: Layout) -> list[str]:
    """The supporter's fields, then a column for each page and each question chosen."""
    return [
        *user_headings(layout),
        *(page.name for page in layout.pages),
        *(question.name for question in layout.questions),
    ]


def transaction_cells(layout: Layout, supporter: Supporter, entry: Entry) -> list[str]:
    """One row of the transaction format. Campaign ID is the campaign's reference name, as the vendor has it.

    Days and times are those of the account's zone; a time carries the abbreviation in force, as all our times do.
    """
    zone = ZoneInfo(layout.zone)
    occurred_at = entry.occurred_at.astimezone(zone)
    return [
        str(layout.account_id),
        str(entry.supporter_id),
        supporter.email,
        _day(supporter.created_at, zone),
        _day(supporter.modified_at, zone),
        str(entry.campaign_number),
        entry.type,
        entry.campaign_name,
        f"{occurred_at:%Y-%m-%d}",
        f"{occurred_at:%H:%M:%S %Z}",
        entry.status,
        *_filled(entry.data, CAMPAIGN_DATA_COLUMNS),
        *_filled(entry.external_refs, EXTERNAL_REFERENCE_COLUMNS),
        entry.source,
        *supporter.cells,
    ]


def _day(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).date().isoformat()


def _filled(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]
