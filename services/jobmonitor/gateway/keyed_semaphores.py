"""A semaphore for each key: those who wait hold up nobody of another key."""

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary


class KeyedSemaphores:
    """So many holders at once for each key; others of the same key wait in order of arrival."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._semaphores: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, key: Hashable) -> asyncio.Semaphore:
        """Is forgotten when nobody holds it."""
        return self._semaphores.setdefault(key, asyncio.Semaphore(self._at_most))
