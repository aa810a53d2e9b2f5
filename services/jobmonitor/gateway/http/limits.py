"""Limits by user, account and address: how much of something is held at once, and how often something may be asked for.

They are this process's own; docs/limits.md lists them all. What they remember is bounded, too.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jobmonitor.crm.users import Viewer
from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.settings import GatewaySettings

REMEMBERED_AT_MOST = 10_000
"""Keys who use is remembered; the least recently used is forgotten first."""


def too_many(limit: str, detail: str, *, code: str, retry_after_s: float) -> Problem:
    """429 with Retry-After, counted under the limit's name."""
    metrics.LIMITED.labels(limit).inc()
    return Problem(429, detail, code=code, headers={"retry-after": str(max(1, math.ceil(retry_after_s)))})


class Slots:
    """How many of something each key may hold at once."""

    def __init__(self, limit: str, at_most: int) -> None:
        self.limit = limit
        self.at_most = at_most
        self._held: Counter[Hashable] = Counter()

    def is_full(self, key: Hashable) -> bool:
        return self._held[key] >= self.at_most

    @contextmanager
    def held(self, key: Hashable) -> Iterator[None]:
        """Hold one more while the context lasts. Does not check the limit: see ``is_full``."""
        self._held[key] += 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


@contextmanager
def slots_held(*held: tuple[Slots, Hashable, Problem]) -> Iterator[None]:
    """One of each share while the context lasts. Raises the problem of the first that is full, and then holds none."""
    for share, key, problem in held:
        if share.is_full(key):
            metrics.LIMITED.labels(share.limit).inc()
            raise problem
    with ExitStack() as stack:
        for share, key, _ in held:
            stack.enter_context(share.held(key))
        yield


class HoldingResponse(Response):
    """An answer that holds a slot until its end. Raises the slot's problem instead if none is free."""

    def __init__(self, slot: AbstractContextManager[None], response: Response) -> None:
        super().__init__(status_code=response.status_code)
        self._slot = slot
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._slot:
            await self._response(scope, receive, send)


class TokenBucket:
    """How often something may happen: ``burst`` times at once, and then so many times a minute (a token bucket)."""

    def __init__(self, *, per_minute: float, burst: int) -> None:
        self._interval_s = 60.0 / per_minute
        self._burst = burst
        self._free_at_s: OrderedDict[Hashable, float] = OrderedDict()
        """When the key's bucket is full again."""

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """How long until the key may be used again; 0: now."""
        full_at_s = max(self._free_at_s.get(key, now_s), now_s)
        return max(0.0, full_at_s - now_s - (self._burst - 1) * self._interval_s)

    def use(self, key: Hashable, now_s: float) -> None:
        """Take one from the key's bucket."""
        self._free_at_s[key] = max(self._free_at_s.get(key, now_s), now_s) + self._interval_s
        self._free_at_s.move_to_end(key)
        if len(self._free_at_s) > REMEMBERED_AT_MOST:
            self._free_at_s.popitem(last=False)


class Rates:
    """How often, and how much at once, users and accounts may do things."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._users = TokenBucket(
            per_minute=settings.submissions_per_minute_per_user, burst=settings.submissions_burst_per_user
        )
        self._accounts = TokenBucket(
            per_minute=settings.submissions_per_minute_per_account, burst=settings.submissions_burst_per_account
        )
        self._previews = Slots("previews per user", settings.previews_at_once_per_user)
        self._downloads = Slots("downloads per user", settings.downloads_at_once_per_user)
        self._streams = Slots("streams per user", settings.streams_per_user)

    def note_submission(self, viewer: Viewer, now_s: float) -> None:
        """One more job is asked for. Raises Problem 429: the user's, or their account's, come too fast."""
        for rate, key, limit, who in (
            (self._users, viewer.user_id, "submissions per user", "You start"),
            (self._accounts, viewer.account_id, "submissions per account", "Your account starts"),
        ):
            if (wait_s := rate.wait_s(key, now_s)) > 0:
                detail = f"{who} jobs too fast. Please try again in {math.ceil(wait_s)} s."
                raise too_many(limit, detail, code="too_many_submissions", retry_after_s=wait_s)
        self._users.use(viewer.user_id, now_s)
        self._accounts.use(viewer.account_id, now_s)

    def preview(self, viewer: Viewer) -> AbstractContextManager[None]:
        """A slot to count in. Raises Problem 429."""
        return self._held(self._previews, viewer, "previews are being counted for you", "Wait for one.")

    def download(self, viewer: Viewer) -> AbstractContextManager[None]:
        """A slot to download in. Raises Problem 429."""
        return self._held(self._downloads, viewer, "downloads of yours are under way", "Wait until one has ended.")

    def stream(self, viewer: Viewer) -> AbstractContextManager[None]:
        """A slot for a live page. Raises Problem 429."""
        return self._held(self._streams, viewer, "of your pages are open already", "Close some of them.")

    def _held(self, slots: Slots, viewer: Viewer, what: str, advice: str) -> AbstractContextManager[None]:
        headers = {"retry-after": "5"}
        problem = Problem(429, f"{slots.at_most} {what}. {advice}", code="too_many_at_once", headers=headers)
        return slots_held((slots, viewer.user_id, problem))
