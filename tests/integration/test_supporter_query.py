"""Each filter of a query, and how filters combine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from jobmonitor.crm.supporter_query import SupporterQuery
from jobmonitor.database.pool import account_transaction
from jobmonitor.job_types.user_data_export.selection import ENTRIES, SUPPORTERS, count_rows, row_keys
from support.crm import NOON, Crm

NOW = datetime.now(UTC)


async def found(crm: Crm, **query: Any) -> list[int]:
    """The supporters the query selects, in the order of an export."""
    wanted = msgspec.convert(query, SupporterQuery)
    async with account_transaction(crm.pool, crm.account_id) as connection:
        keys = [key async for batch in row_keys(connection, SUPPORTERS, wanted, batch=2) for (key,) in batch]
        assert await count_rows(connection, SUPPORTERS, wanted) == len(keys)
    return keys


async def people(crm: Crm, count: int = 4) -> list[int]:
    return [await crm.supporter(f"{number}@example.org") for number in range(count)]


async def test_without_filters_everybody_is_found_in_the_order_of_their_ids(crm: Crm) -> None:
    supporters = await people(crm)

    assert await found(crm) == sorted(supporters)


async def test_profiles_find_their_members_once(crm: Crm) -> None:
    ann, ben, cem, _ = await people(crm)
    one, two = await crm.profile("One", ann, ben), await crm.profile("Two", ben, cem)
    await crm.profile("Not asked for", await crm.supporter("elsewhere@example.org"))

    assert await found(crm, profiles=[one]) == [ann, ben]
    assert await found(crm, profiles=[one, two]) == [ann, ben, cem]


async def test_pages_find_those_who_acted_or_gave_there(crm: Crm) -> None:
    ann, ben, cem, dan = await people(crm)
    (page, campaign), (other, elsewhere) = await crm.page("One"), await crm.page("Two")
    await crm.activity(ann, campaign)
    await crm.gift(ben, campaign, status="reject")
    await crm.gift(cem, campaign, removed_at=NOON)
    await crm.activity(dan, elsewhere)
    await crm.activity(cem)

    assert await found(crm, pages=[page]) == [ann, ben]
    assert await found(crm, pages=[page, other]) == [ann, ben, dan]


async def test_questions_find_any_answer_or_the_one_asked_for(crm: Crm) -> None:
    ann, ben, cem, _ = await people(crm)
    colour, news = await crm.question("Colour", "question"), await crm.question("News")
    await crm.answer(ann, colour, "red")
    await crm.answer(ben, colour, "blue")
    await crm.answer(cem, news, "N")

    assert await found(crm, questions=[{"question": colour}]) == [ann, ben]
    assert await found(crm, questions=[{"question": colour, "value": "blue"}]) == [ben]
    assert await found(crm, questions=[{"question": colour, "value": "red"}, {"question": news}]) == [ann, cem]


async def test_an_opt_in_with_confirmation_counts_once_confirmed(crm: Crm) -> None:
    ann, ben, cem, _ = await people(crm)
    texts = await crm.question("Texts", "opt_in_confirm")
    await crm.answer(ann, texts, "Y")
    await crm.answer(ben, texts, "Y", confirmed_at=NOON)
    await crm.answer(cem, texts, "N")

    assert await found(crm, questions=[{"question": texts, "value": "Y"}]) == [ben]
    assert await found(crm, questions=[{"question": texts}]) == [ben, cem]


EVENTS = {
    "opened": "open",
    "clicked": "click",
    "completed": "complete",
    "hard_bounce": "bounce:bad-mailbox",
    "soft_bounce": "bounce:quota-issues",
    "unsubscribed": "unsubscribe",
    "feedback": "feedback",
}


@pytest.mark.parametrize("asked", EVENTS)
async def test_broadcasts_find_those_who_reacted_in_the_way_asked_for(crm: Crm, asked: str) -> None:
    supporters = dict(zip(EVENTS, await people(crm, len(EVENTS)), strict=True))
    first, second = await crm.broadcast("One", NOW), await crm.broadcast("Two", NOW)
    for name, event in EVENTS.items():
        await crm.delivery(first, supporters[name], NOW, event, event)

    async def reacted(*broadcasts: int) -> list[int]:
        return await found(crm, broadcasts=[{"event": asked, "broadcasts": list(broadcasts)}])

    assert await reacted(first) == await reacted() == await reacted(first, second) == [supporters[asked]]
    assert await reacted(second) == []


async def test_a_bounce_without_a_known_reason_is_soft(crm: Crm) -> None:
    ann, *_ = await people(crm)
    await crm.delivery(await crm.broadcast("One", NOW), ann, NOW, "bounce")

    assert await found(crm, broadcasts=[{"event": "soft_bounce"}]) == [ann]
    assert await found(crm, broadcasts=[{"event": "hard_bounce"}]) == []


async def test_sent_finds_those_a_message_left_for_within_a_year(crm: Crm) -> None:
    ann, ben, cem, _ = await people(crm)
    broadcast = await crm.broadcast("One", NOW)
    await crm.delivery(broadcast, ann, NOW - timedelta(days=1))
    await crm.delivery(broadcast, ben, NOW - timedelta(days=367), "open")
    skipped = await crm.delivery(broadcast, cem, NOW)
    await crm.owner.execute("UPDATE crm.deliveries SET status = 'skipped', sent_at = NULL WHERE id = $1", skipped)

    assert await found(crm, broadcasts=[{"event": "sent", "broadcasts": [broadcast]}]) == [ann]
    assert await found(crm, broadcasts=[{"event": "sent"}]) == [ann]
    assert await found(crm, broadcasts=[{"event": "sent"}, {"event": "opened"}]) == [ann, ben]


async def test_all_kinds_of_filters_must_match(crm: Crm) -> None:
    ann, ben, cem, dan = await people(crm)
    page, campaign = await crm.page("One")
    for who in (ann, ben, cem):
        await crm.activity(who, campaign)
    profile = await crm.profile("One", ben, cem, dan)
    news = await crm.question("News")
    for who in (ann, cem, dan):
        await crm.answer(who, news, "Y")

    assert await found(crm, pages=[page], profiles=[profile]) == [ben, cem]
    assert await found(crm, pages=[page], profiles=[profile], questions=[{"question": news}]) == [cem]


async def test_entries_are_those_of_the_supporters_found(crm: Crm) -> None:
    ann, ben, *_ = await people(crm)
    page, campaign = await crm.page("One")
    wanted = [["a", await crm.activity(ann, campaign)], ["t", await crm.gift(ann)]]
    await crm.activity(ben)
    query = SupporterQuery(pages=[page])

    async with account_transaction(crm.pool, 1) as connection:
        assert [key async for batch in row_keys(connection, ENTRIES, query, batch=1) for key in batch] == wanted
        assert await count_rows(connection, ENTRIES, query) == 2
        assert await count_rows(connection, ENTRIES, query, most=1) == 1
