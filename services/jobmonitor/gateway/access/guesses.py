"""Slows down password guessing without locking out anybody who knows the password.

A guess counts before its password is checked, so that a hundred at once are not a hundred tries. What counts is the
pair of client and e-mail address: others who guess for the same address from elsewhere do not matter.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from jobmonitor.crm.passwords import hash_as
from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.limits import REMEMBERED_AT_MOST, Slots, slots_held, too_many
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.settings import GatewaySettings

WINDOW_S = 300.0
"""Guesses older than this are forgotten."""
HASHES_AT_ONCE = 2

Pair = tuple[str, str]
"""E-mail address and client; for all addresses of a client the first is empty."""


class Guesses:
    """Log-ins whose password was wrong, or is being checked, in this process."""

    def __init__(self, of_pair: int, of_client: int) -> None:
        self._of_pair = of_pair
        self._of_client = of_client
        self._times: OrderedDict[Pair, list[float]] = OrderedDict()
        self._known: OrderedDict[Pair, None] = OrderedDict()
        """Who logged in from where: failures of others behind the same address do not lock them out."""

    def reserve(self, address: str, client: str, now_s: float) -> list[tuple[Pair, float]]:
        """Count a guess before it is tried; to be given back should it not be. Raises Problem 429."""
        self._refuse((address, client), self._of_pair, now_s, "failed log-ins")
        if (address, client) not in self._known:
            self._refuse(("", client), self._of_client, now_s, "failed log-ins per address")
        guess = [((address, client), now_s), (("", client), now_s)]
        for pair, _ in guess:
            self._times.setdefault(pair, []).append(now_s)
            self._times.move_to_end(pair)
        while len(self._times) > REMEMBERED_AT_MOST:
            self._times.popitem(last=False)
        return guess

    def give_back(self, guess: list[tuple[Pair, float]]) -> None:
        """The guess was not checked."""
        for pair, at_s in guess:
            if at_s in (times := self._times.get(pair, [])):
                times.remove(at_s)

    def forgive(self, address: str, client: str) -> None:
        """The password was right: that was no guess, nor were the ones before."""
        before = len(self._times.pop((address, client), []))
        if of_client := self._times.get(("", client)):
            del of_client[-before:]
        self._known[address, client] = None
        self._known.move_to_end((address, client))
        if len(self._known) > REMEMBERED_AT_MOST:
            self._known.popitem(last=False)

    def _refuse(self, pair: Pair, at_most: int, now_s: float, limit: str) -> None:
        times = [time for time in self._times.get(pair, []) if time > now_s - WINDOW_S]
        if pair in self._times:
            self._times[pair] = times
        if len(times) < at_most:
            return
        wait_s = times[-at_most] + WINDOW_S - now_s
        detail = f"Too many failed log-ins. Please try again in {max(1, round(wait_s / 60))} min."
        raise too_many(limit, detail, code="too_many_failures", retry_after_s=wait_s)


class PasswordChecks:
    """Checks passwords in threads of their own: few at once, and few that wait."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="password")
        self._all = Slots("log-ins waiting", settings.logins_waiting)
        self._clients = Slots("log-ins waiting per address", settings.logins_waiting_per_address)

    @contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """A slot for a password that waits to be hashed. Raises Problem 429."""
        detail = "Many people are logging in at the moment. Please try again in a few seconds."
        full = Problem(429, detail, code="too_many_logins", headers={"retry-after": "3"})
        with slots_held((self._clients, client, full), (self._all, None, full)):
            metrics.LOGINS_WAITING.inc()
            try:
                yield
            finally:
                metrics.LOGINS_WAITING.dec()

    async def hash(self, password: str, pattern: str | None) -> str | None:
        """See ``hash_as``."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, hash_as, password, pattern)
