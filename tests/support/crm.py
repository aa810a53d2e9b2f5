"""Puts into the CRM just what a test is about."""

from datetime import UTC, datetime
from typing import Any

import asyncpg

from jobmonitor.database.pool import Pool

NOON = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
"""Noon in New York, in winter."""


class Crm:
    """Rows for one account, written by the database's owner; ``pool`` and ``gateway_pool`` read as the processes do."""

    def __init__(
        self, owner: "asyncpg.Connection[asyncpg.Record]", pool: Pool, gateway_pool: Pool, account_id: int = 1
    ) -> None:
        self.owner = owner
        self.pool = pool
        self.gateway_pool = gateway_pool
        self.account_id = account_id

    async def other_account(self, account_id: int = 2) -> "Crm":
        """A second account beside this one."""
        other = Crm(self.owner, self.pool, self.gateway_pool, account_id)
        await other.add_account()
        return other

    async def add_account(self, zone: str = "America/New_York") -> None:
        await self.owner.execute(
            "INSERT INTO crm.accounts (id, name, country, display_tz, default_currency) "
            "VALUES ($1, $2, 'US', $3, 'USD') ON CONFLICT (id) DO UPDATE SET display_tz = excluded.display_tz",
            *(self.account_id, f"Account {self.account_id}", zone),
        )

    async def insert(self, table: str, returning: str = "id", **values: Any) -> int:
        """One row of this account."""
        columns = {"account_id": self.account_id, **values}
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        returned: int = await self.owner.fetchval(
            f"INSERT INTO crm.{table} ({', '.join(columns)}) VALUES ({places}) RETURNING {returning}",
            *columns.values(),
        )
        return returned

    async def fields(self, *names: str) -> dict[str, int]:
        """Supporter fields in this order; Email is tagged as such."""
        return {
            name: await self.insert(
                "ads_fields", name=name, position=position, tag="email" if name == "Email" else None
            )
            for position, name in enumerate(names, start=1)
        }

    async def group(self, name: str, *field_ids: int) -> int:
        """An export group of these fields, in this order."""
        group = await self.insert("export_groups", name=name)
        for position, field in enumerate(field_ids, start=1):
            await self.insert("export_group_fields", "group_id", group_id=group, field_id=field, position=position)
        return group

    async def supporter(self, email: str, values: dict[int, str] | None = None, **columns: Any) -> int:
        """A supporter with these values, ``{field id: text}``."""
        supporter = await self.insert("supporters", email=email, created_at=NOON, modified_at=NOON, **columns)
        for field, value in (values or {}).items():
            await self.insert("supporter_values", "field_id", supporter_id=supporter, field_id=field, value=value)
        return supporter

    async def supporters(self, count: int) -> list[int]:
        """That many supporters with nothing but an address."""
        return [
            row["id"]
            for row in await self.owner.fetch(
                "INSERT INTO crm.supporters (account_id, email, created_at, modified_at) "
                "SELECT $1, 's' || n || '@example.org', $3, $3 FROM generate_series(1, $2) AS n RETURNING id",
                *(self.account_id, count, NOON),
            )
        ]

    async def page(self, name: str, kind: str = "petition", **campaign_columns: Any) -> tuple[int, int]:
        """A page, ``(page id, campaign id)``."""
        campaign = await self.insert("campaigns", kind=kind, reference_name=name, **campaign_columns)
        page = await self.insert("pages", campaign_id=campaign, url_slug=name.lower().replace(" ", "-"))
        return page, campaign

    async def activity(self, supporter: int, campaign: int | None = None, type_: str = "PET", **columns: Any) -> int:
        columns = {"occurred_at": NOON, **columns}
        return await self.insert("activities", supporter_id=supporter, campaign_id=campaign, type=type_, **columns)

    async def gift(self, supporter: int, campaign: int | None = None, **columns: Any) -> int:
        columns = {"type": "FCS", "status": "success", "amount": 20, "currency": "USD", **columns}
        columns = {"gift_date": NOON.date(), "occurred_at": NOON, **columns}
        return await self.insert("transactions", supporter_id=supporter, campaign_id=campaign, **columns)

    async def question(self, name: str, kind: str = "opt_in") -> int:
        return await self.insert("questions", name=name, kind=kind)

    async def answer(self, supporter: int, question: int, value: str, **columns: Any) -> None:
        await self.insert("answers", "value", supporter_id=supporter, question_id=question, value=value, **columns)

    async def profile(self, name: str, *members: int) -> int:
        profile = await self.insert("profiles", name=name)
        for member in members:
            await self.insert("profile_members", "profile_id", profile_id=profile, supporter_id=member)
        return profile

    async def broadcast(self, name: str, sent_at: datetime) -> int:
        return await self.insert("email_campaigns", name=name, status="sent", sent_at=sent_at)

    async def delivery(self, broadcast: int, supporter: int, sent_at: datetime, *events: str) -> int:
        """A message that was sent, and what happened with it; ``bounce:quota-issues`` is a bounce with its reason."""
        delivery = await self.insert(
            "deliveries",
            campaign_id=broadcast,
            supporter_id=supporter,
            address="a@example.org",
            status="sent",
            sent_at=sent_at,
        )
        for event in events:
            kind, _, reason = event.partition(":")
            values: dict[str, Any] = {"kind": kind, "reason_code": reason or None, "occurred_at": sent_at}
            await self.insert("email_events", delivery_id=delivery, **values)
        return delivery

    async def delete_supporter(self, supporter: int) -> None:
        """As a deletion has to do it: gifts stay, without the person."""
        await self.owner.execute(
            "UPDATE crm.transactions SET former_supporter_id = supporter_id, supporter_id = NULL "
            "WHERE supporter_id = $1",
            supporter,
        )
        await self.owner.execute("DELETE FROM crm.supporters WHERE id = $1", supporter)
