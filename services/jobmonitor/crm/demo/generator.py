"""Fills an empty database with the demo's accounts. Small things are listed in Python, people are drawn in SQL.

Everything is drawn from ids by a hash, so the same size gives the same data; only the dates move with the day.
"""

import json
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from jobmonitor.crm.demo import accounts, words
from jobmonitor.crm.demo.accounts import DemoAccount
from jobmonitor.database.pool import Connection, see_account
from jobmonitor.database.statement import Statement, statements

_SQL = statements("jobmonitor.crm.demo.sql")

OnStep = Callable[[str], object]

ACTIVITIES_MEAN = 6.4
GIFTS_MEAN = 1.7
BROADCAST_RECIPIENTS_MAX = 50_000
"""So that a load test's million supporters do not get a million deliveries of each broadcast."""


class Generator:
    """Writes one account after the other through one connection, inside its caller's transaction."""

    def __init__(self, connection: Connection, as_of: datetime, on_step: OnStep) -> None:
        self._connection = connection
        self._as_of = as_of
        self._on_step = on_step
        self._supporters = 0

    async def prepare(self) -> None:
        """The functions the statements draw with; they last as long as the connection."""
        await _SQL["draw_function"].execute(self._connection)
        await _SQL["pick_function"].execute(self._connection)

    async def add_account(self, account: DemoAccount, supporters: int, password_hash: str) -> None:
        """The account with its users, its shape and ``supporters`` people."""
        self._on_step(f"{account.name}: {supporters:,} supporters")
        await see_account(self._connection, account.id)
        await self._add_users(account, password_hash)
        await self._add_fields(account)
        campaigns = await self._add_campaigns(account)
        await self._add_shape(account)
        await self._add_people(account, campaigns, supporters)

    async def settle_ids(self) -> None:
        """Let the ids given by the database from now on follow those given here."""
        last = {"accounts": accounts.HARBOUR.id, "users": accounts.HARBOUR.users[-1].id, "supporters": self._supporters}
        for table, last_id in last.items():
            await _SQL["settle_ids"].execute(self._connection, table_name=f"crm.{table}", last_id=last_id)

    async def _add_users(self, account: DemoAccount, password_hash: str) -> None:
        await _SQL["account"].execute(
            self._connection,
            account=account.id,
            name=account.name,
            country=account.country,
            zone=account.zone,
            currency=account.currency,
            tax_regime=account.tax_regime,
        )
        group = await self._insert("permission_groups", account, name="Data team")
        for permission in account.granted:
            await self._insert(
                "group_permissions", account, returning="group_id", group_id=group, permission=permission
            )
        for user in account.users:
            await self._insert(
                "users",
                account,
                id=user.id,
                email=user.email,
                name=user.name,
                user_type=user.user_type,
                permission_group_id=group if user.user_type == "user" else None,
                password_hash=password_hash,
            )

    async def _add_fields(self, account: DemoAccount) -> None:
        fields: list[tuple[str, str | None]] = [
            *accounts.TAGGED_FIELDS,
            *((name, None) for name in accounts.CUSTOM_FIELDS),
        ]
        ids = {
            name: await self._insert("ads_fields", account, name=name, tag=tag, position=position)
            for position, (name, tag) in enumerate(fields, start=1)
        }
        for group_name, chosen in accounts.EXPORT_GROUPS:
            group = await self._insert("export_groups", account, name=group_name)
            for position, name in enumerate(chosen, start=1):
                values = {"group_id": group, "field_id": ids[name], "position": position}
                await self._insert("export_group_fields", account, returning="group_id", **values)

    async def _add_campaigns(self, account: DemoAccount) -> list[tuple[int, str]]:
        added = []
        for number, (kind, name, type_) in enumerate(accounts.CAMPAIGNS, start=1):
            campaign = await self._insert("campaigns", account, kind=kind, reference_name=name, status="live")
            await self._insert("pages", account, campaign_id=campaign, url_slug=f"{kind.replace('_', '-')}-{number}")
            added.append((campaign, type_))
        return added

    async def _add_shape(self, account: DemoAccount) -> None:
        for kind, name, gates_email in accounts.QUESTIONS:
            await self._insert("questions", account, kind=kind, name=name, gates_email=gates_email)
        await self._add_import_formats(account)
        for name, nightly in accounts.PROFILES:
            await self._insert("profiles", account, name=name, nightly=nightly, last_run_at=self._as_of)
        for name, days_ago in accounts.BROADCASTS:
            sent_at = self._as_of - timedelta(days=days_ago)
            await self._insert(
                "email_campaigns", account, name=name, status="sent", scheduled_at=sent_at, sent_at=sent_at
            )
        await self._insert("email_campaigns", account, name="Next newsletter (draft)")

    async def _add_import_formats(self, account: DemoAccount) -> None:
        for name, mode, columns in accounts.IMPORT_FORMATS:
            mapped = [
                {"header": header, "to": to, "id": None if named is None else await self._target(account, to, named)}
                for header, to, named in columns
            ]
            await self._insert("import_formats", account, name=name, mode=mode, columns=json.dumps(mapped))

    async def _target(self, account: DemoAccount, kind: str, name: str) -> int:
        """The id of the field, question or page with this name."""
        return int(await _SQL[f"{kind}_named"].fetchval(self._connection, account=account.id, name=name))

    async def _add_people(self, account: DemoAccount, campaigns: list[tuple[int, str]], supporters: int) -> None:
        pages = [(campaign, type_) for campaign, type_ in campaigns if type_ not in ("FCS", "FCR")]
        common = {
            "account": account.id,
            "as_of": self._as_of,
            "zone": account.zone,
            "currency": account.currency,
            "towns": account.towns,
            "first_names": words.FIRST_NAMES,
            "last_names": words.LAST_NAMES,
            "first_handles": [_handle(name) for name in words.FIRST_NAMES],
            "last_handles": [_handle(name) for name in words.LAST_NAMES],
            "titles": words.TITLES,
            "streets": words.STREETS,
            "notes": words.AWKWARD_NOTES,
            "answers": accounts.ANSWERS,
        }
        first = self._supporters + 1
        self._supporters += supporters
        await self._fill("supporters", **common, first_id=first, last_id=self._supporters)
        await self._fill("supporter_values", **common)
        await self._fill("answers", **common)
        on_pages = {"campaigns": [campaign for campaign, _ in pages], "types": [type_ for _, type_ in pages]}
        await self._fill("activities", **common, **on_pages, mean=ACTIVITIES_MEAN)
        once = [campaign for campaign, type_ in campaigns if type_ == "FCS"]
        await self._fill("gifts", **common, campaigns=once, mean=GIFTS_MEAN)
        await self._fill("plans", **common)
        await self._fill(
            "plan_gifts", **common, campaigns=[campaign for campaign, type_ in campaigns if type_ == "FCR"]
        )
        await self._fill("refunds", **common)
        await self._fill("deliveries", **common, share=min(0.6, BROADCAST_RECIPIENTS_MAX / supporters))
        for statement in ("email_events", "broadcast_activities", "suppressions", "profile_members"):
            await self._fill(statement, **common)

    async def _fill(self, statement: str, **values: Any) -> None:
        self._on_step(f"  {statement.replace('_', ' ')}")
        await _SQL[statement].execute(self._connection, **values)

    async def _insert(self, table: str, account: DemoAccount, *, returning: str = "id", **values: Any) -> int:
        """One row; table and column names are this module's own."""
        columns = {"account_id": account.id, **values}
        names = ", ".join(f":{column}" for column in columns)
        text = f"INSERT INTO crm.{table} ({', '.join(columns)}) VALUES ({names}) RETURNING {returning}"  # noqa: S608
        return int(await Statement(text).fetchval(self._connection, **columns))


_LATIN = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "æ": "ae"})
"""Letters that are no base letter with an accent."""


def _handle(name: str) -> str:
    """The name as an e-mail address spells it: Latin letters only, or ``friend`` where there are none."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LATIN)).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain if letter.isalnum()) or "friend"
