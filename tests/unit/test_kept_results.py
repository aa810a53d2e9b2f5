"""An account's share of the object store."""

from collections.abc import Collection

import pytest

from jobmonitor.ledger.kept_results import REMEMBERED_S, Kept, KeptResults

GB = 1024**3


@pytest.mark.parametrize(
    ("size_bytes", "warned", "refused"),
    [
        (0, False, False),
        (8 * GB - 1, False, False),
        (8 * GB, True, False),
        (10 * GB - 1, True, False),
        (10 * GB, True, True),
        (11 * GB, True, True),
    ],
)
def test_an_account_is_warned_from_four_fifths_on_and_refused_at_the_most(
    size_bytes: int, *, warned: bool, refused: bool
) -> None:
    kept = Kept(size_bytes, 10 * GB)
    assert (kept.warning() is not None, kept.refusal() is not None) == (warned, refused)


def test_the_sentences_say_how_much() -> None:
    kept = Kept(11 * GB, 10 * GB)
    refusal = kept.refusal()
    assert refusal is not None
    assert "11.0 GB of results, and 10.0 GB is the most" in refusal.reason
    assert "11.0 GB of the 10.0 GB" in str(kept.warning())


async def test_what_was_loaded_is_believed_for_a_moment_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr("jobmonitor.ledger.kept_results.time.monotonic", lambda: now_s)
    asked: list[int] = []

    async def load(accounts: Collection[int]) -> dict[int, int]:
        asked.extend(accounts)
        return {1: 5}

    kept = KeptResults(10)
    assert await kept.of([1, 2], load) == {1: Kept(5, 10), 2: Kept(0, 10)}
    await kept.of([1], load)
    assert asked == [1, 2]
    now_s += REMEMBERED_S
    await kept.of([2], load)
    assert asked == [1, 2, 2]
