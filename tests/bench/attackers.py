"""``python -m bench.attackers URL SECONDS``: hostile clients of every kind at once.

In the end it prints what they were told.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable

from support.hostile import Attack

EMAILS = ["user@demo.test", "admin@demo.test", "user@other.test", "nobody@demo.test"]
LOGIN = {"email": "super@other.test", "password": "jobmonitor-demo"}
"""A customer, of another account than the ordinary users."""


async def attack(attack: Attack, limit_s: float) -> None:
    """All of them, again and again, until the time is over or SIGTERM comes."""
    loop = asyncio.get_running_loop()
    kinds = (
        lambda: attack.slow_heads(200),
        lambda: attack.slow_bodies(200),
        lambda: attack.idle(300),
        lambda: attack.large_heads(20, 2_000_000),
        lambda: attack.guesses(50, EMAILS),
        lambda: attack.customer(LOGIN),
    )
    tasks = [asyncio.ensure_future(_again(kind)) for kind in kinds]
    loop.add_signal_handler(signal.SIGTERM, lambda: [task.cancel() for task in tasks])
    await asyncio.wait(tasks, timeout=limit_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _again(kind: Callable[[], Awaitable[None]]) -> None:
    while True:
        with contextlib.suppress(OSError):
            await kind()
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    host, port = sys.argv[1].removeprefix("http://").split(":")
    attackers = Attack(host, int(port))
    asyncio.run(attack(attackers, float(sys.argv[2])))
    print(f"attackers were told {dict(attackers.told)}")  # noqa: T201
