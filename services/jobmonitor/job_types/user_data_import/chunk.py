"""The rows of one chunk: decided one after the other, written together."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.user_data_import.rows import EMAIL_LENGTH_MAX, Decision, Row, Rules, addresses, decide_row
from jobmonitor.job_types.user_data_import.store import (
    Known,
    RowOutcome,
    SupporterChanges,
    currency_decimals,
    find_known,
    record_rows,
    write_changes,
)


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a file, and how they are to be taken."""

    rules: Rules
    rows: list[Row]


async def import_chunk(
    chunk: Chunk, connection: Connection, account_id: int, job_id: UUID
) -> tuple[list[RowOutcome], dict[str, int]]:
    """Find everybody, decide row by row, write what changed, and keep what became of each row.

    Returns that, and ``{key: supporter id}``. Raises SupporterAddedMeanwhile: temporary.
    """
    keys, known = await _find(chunk, connection, job_id)
    rows, changes = _decide_all(chunk, keys, known, await currency_decimals(connection))
    ids = {key: supporter.id for key, supporter in known.items() if supporter.id is not None}
    ids = await write_changes(connection, account_id, job_id, changes, ids)
    await record_rows(connection, account_id, job_id, rows, ids)
    return rows, ids


async def _find(chunk: Chunk, connection: Connection, job_id: UUID) -> tuple[dict[str, str], dict[str, Known]]:
    rules = chunk.rules
    campaigns = [column.id for column in rules.columns if column.to == "page"]
    return await find_known(
        connection,
        job_id,
        [address for row in chunk.rows for address in addresses(row, rules) if len(address) <= EMAIL_LENGTH_MAX],
        fields=[column.id for column in rules.columns if column.to == "field"],
        questions=[column.id for column in rules.columns if column.to == "question"],
        campaigns=[*campaigns, *([] if rules.tag is None else [rules.tag[0]])],
    )


def _decide_all(
    chunk: Chunk, keys: Mapping[str, str], known: Mapping[str, Known], decimals: Mapping[str, int]
) -> tuple[list[RowOutcome], SupporterChanges]:
    """Row by row, each on what the ones before it left."""
    seen, changes, outcomes = dict(known), SupporterChanges(), []
    for row in chunk.rows:
        readings = [keys.get(address, address) for address in addresses(row, chunk.rules)]
        key = next((reading for reading in readings if reading in seen), readings[0] if readings else "")
        decision = decide_row(row, key, seen.get(key), chunk.rules, decimals)
        if decision.after is not None:
            _note(changes, key, decision, is_new=key not in seen)
            seen[key] = decision.after
        about = None if decision.after is None else key
        done = RowOutcome(
            row_no=row.number, outcome=decision.outcome, key=about, code=decision.code, message=decision.message
        )
        outcomes.append(done)
    return outcomes, changes


def _note(changes: SupporterChanges, key: str, decision: Decision, *, is_new: bool) -> None:
    if is_new:
        changes.created.append(key)
    changes.values |= {(key, field): text for field, text in decision.values.items()}
    changes.answers |= {(key, question): text for question, text in decision.answers.items()}
    changes.participations |= {(key, campaign): type_ for campaign, type_ in decision.participations.items()}
