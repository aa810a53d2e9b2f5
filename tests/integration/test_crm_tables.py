"""What the CRM's tables refuse by themselves."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from support.crm import NOON, Crm


@pytest.mark.parametrize(
    ("amount", "currency", "fits"),
    [
        ("20.01", "USD", True),
        ("20.001", "USD", False),
        ("500", "JPY", True),
        ("500.5", "JPY", False),
        ("1.125", "KWD", True),
    ],
)
async def test_an_amount_has_no_more_decimals_than_its_currency(
    crm: Crm, amount: str, currency: str, fits: bool
) -> None:
    ann = await crm.supporter("ann@example.org")

    if fits:
        await crm.gift(ann, amount=Decimal(amount), currency=currency)
    else:
        with pytest.raises(asyncpg.CheckViolationError, match="more decimals"):
            await crm.gift(ann, amount=Decimal(amount), currency=currency)


async def test_an_address_is_unique_in_its_account_in_any_case_and_at_most_500_long(crm: Crm) -> None:
    await crm.supporter("ann@example.org")
    await (await crm.other_account()).supporter("ann@example.org")

    with pytest.raises(asyncpg.UniqueViolationError):
        await crm.supporter("ANN@example.org")
    with pytest.raises(asyncpg.CheckViolationError):
        await crm.supporter("a" * 489 + "@example.org")


async def test_an_account_has_at_most_300_custom_fields(crm: Crm) -> None:
    await crm.fields("Email", *(f"Custom {number}" for number in range(300)))

    with pytest.raises(asyncpg.CheckViolationError, match="300 custom fields"):
        await crm.insert("ads_fields", name="One more", position=999)


@pytest.mark.parametrize("zone", ["EST", "Mars/Olympus", "EST5EDT4,M3", ""])
async def test_a_display_zone_is_a_place_with_a_clock(crm: Crm, zone: str) -> None:
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.InvalidParameterValueError)):
        await crm.owner.execute("UPDATE crm.accounts SET display_tz = $1", zone)


async def test_deleting_a_supporter_keeps_gifts_with_the_former_number_and_nothing_else(crm: Crm) -> None:
    ann = await crm.supporter("ann@example.org")
    await crm.activity(ann)
    gift = await crm.gift(ann)

    with pytest.raises(asyncpg.CheckViolationError):
        await crm.owner.execute("DELETE FROM crm.supporters WHERE id = $1", ann)
    await crm.delete_supporter(ann)

    assert await crm.owner.fetchval("SELECT count(*) FROM crm.activities") == 0
    row = await crm.owner.fetchrow("SELECT supporter_id, former_supporter_id FROM crm.transactions WHERE id = $1", gift)
    assert dict(row or {}) == {"supporter_id": None, "former_supporter_id": ann}


async def test_a_gateways_transaction_counts_once_refunds_apart(crm: Crm) -> None:
    ann = await crm.supporter("ann@example.org")
    gift = await crm.gift(ann, gateway="card", gateway_txn_id="ch_1")
    refund: dict[str, Any] = {
        "type": "PRFD",
        "status": "refund",
        "amount": -20,
        "refund_of": gift,
        "refund_kind": "gateway",
    }
    await crm.gift(ann, gateway="card", gateway_txn_id="ch_1", **refund)
    await crm.gift(ann, gateway="card", gateway_txn_id="ch_1", removed_at=NOON)

    with pytest.raises(asyncpg.UniqueViolationError):
        await crm.gift(ann, gateway="card", gateway_txn_id="ch_1")
