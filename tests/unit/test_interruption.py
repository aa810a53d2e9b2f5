"""A signal that ends the local stack: raised where it does no harm."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from jobmonitor.local.interruption import Interruption

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield Interruption()
    for number, handler in before.items():
        signal.signal(number, handler)


def _send(number: signal.Signals) -> list[str]:
    """Have it sent to ourselves; what comes after it in the same step."""
    os.kill(os.getpid(), number)
    return [str(each) for each in range(3)]


def test_outside_an_event_loop_it_interrupts_at_once(interruption: Interruption) -> None:
    with pytest.raises(KeyboardInterrupt):
        _send(signal.SIGTERM)
    assert interruption.wished


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_an_event_loop_a_step_is_never_interrupted_in_its_middle(
    interruption: Interruption, number: signal.Signals
) -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            seen.extend(_send(number))
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            seen.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(work())
    assert seen == ["0", "1", "2", "cleaned up"]
    assert interruption.wished


def test_two_signals_of_one_wish_interrupt_once(interruption: Interruption) -> None:
    with pytest.raises(KeyboardInterrupt):
        _send(signal.SIGINT)
    assert _send(signal.SIGTERM) == ["0", "1", "2"]
