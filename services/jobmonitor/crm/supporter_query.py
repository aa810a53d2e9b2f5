"""Which supporters are meant: a query of filters, and the statement that answers it.

Everybody ("the universe") narrowed by filters. Supporters must match every kind of filter that is given, and within one
kind any of the entries suffices (own rule; the vendor names the filters only). Suppressed and unsubscribed supporters
match like all others: a query is not a mailing.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from jobmonitor.database.statement import Statement, joined, statements

_SQL = statements("jobmonitor.crm.sql")

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Ids = Annotated[list[Id], Meta(max_length=100)]

BroadcastEvent = Literal[
    "sent", "opened", "clicked", "completed", "hard_bounce", "soft_bounce", "unsubscribed", "feedback"
]
_EVENT_KINDS = {
    "opened": "open",
    "clicked": "click",
    "completed": "complete",
    "hard_bounce": "bounce",
    "soft_bounce": "bounce",
    "unsubscribed": "unsubscribe",
    "feedback": "feedback",
}
HARD_BOUNCE_REASONS = ("bad-domain", "bad-mailbox", "inactive-mailbox")
"""The vendor's reason codes that count as hard; every other bounce is soft."""


class QuestionFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Supporters who answered a question or an opt-in."""

    question: Annotated[Id, Meta(description="The question's id.")]
    value: Annotated[str, Meta(max_length=1000)] | None = msgspec.field(default=None)
    """The answer asked for; None takes any. An opt-in with confirmation counts only once confirmed (vendor's rule)."""


class BroadcastFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Supporters to whom a broadcast went, or who reacted to it."""

    event: Annotated[BroadcastEvent, Meta(description="What happened. `sent` reaches back one year.")]
    broadcasts: Annotated[Ids, Meta(description="The broadcasts' ids; none means any broadcast.")] = []


class SupporterQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters over all supporters of the account; without any, everybody."""

    profiles: Annotated[Ids, Meta(description="Members, as of its last run, of any of these profiles.")] = []
    pages: Annotated[Ids, Meta(description="Active on any of these pages.")] = []
    questions: Annotated[list[QuestionFilter], Meta(max_length=100, description="Gave any of these answers.")] = []
    broadcasts: Annotated[
        list[BroadcastFilter], Meta(max_length=100, description="Any of these happened with a broadcast.")
    ] = []


def select_supporters(query: SupporterQuery) -> Statement:
    """A statement, values included, that gives the ids (column ``id``) of the supporters meant, each once, unordered.

    "Sent" reaches back one year from the transaction's start: the vendor offers it that long and no longer.
    """
    conditions = [Statement("AND supporters.id IN (", selection, ")") for selection in _filters(query)]
    return _SQL["select_supporters"].fill(conditions=joined("\n", conditions))


def _filters(query: SupporterQuery) -> Iterator[Statement]:
    """One selection of supporter ids for each kind of filter that is given."""
    if query.profiles:
        yield _SQL["select_profile_members"].bind(profiles=query.profiles)
    if query.pages:
        yield _SQL["select_active_on_pages"].bind(pages=query.pages)
    if query.questions:
        questions = [wanted.question for wanted in query.questions]
        answers = [wanted.value for wanted in query.questions]
        yield _SQL["select_answered"].bind(questions=questions, answers=answers)
    if query.broadcasts:
        yield joined(" UNION ALL ", map(_broadcast_filter, query.broadcasts))


def _broadcast_filter(wanted: BroadcastFilter) -> Statement:
    if wanted.event == "sent":
        return _SQL["select_sent"].bind(broadcasts=wanted.broadcasts)
    hard = {"hard_bounce": True, "soft_bounce": False}.get(wanted.event)
    return _SQL["select_reacted"].bind(
        broadcasts=wanted.broadcasts,
        kind=_EVENT_KINDS[wanted.event],
        hard=hard,
        hard_reasons=list(HARD_BOUNCE_REASONS),
    )
