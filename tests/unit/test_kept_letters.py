"""What the dead-letter topic says: each letter once, who redrove it, and nothing a message can pretend."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from jobmonitor.cli.commands.dead_letters import readable
from jobmonitor.dead_letters.kept import REDRIVEN_BY, REDRIVEN_POSITION, KeptLetters, redrive_record
from jobmonitor.runtime.dead_letters import DeadLetter, dead_letter


class Kept(NamedTuple):
    """A message as it is read."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


def _letter(offset: int, *, topic: str = "jobs.probe", headers: Sequence[tuple[str, bytes]] = ()) -> DeadLetter:
    return dead_letter(
        topic=topic,
        partition=1,
        offset=offset,
        key=b"key",
        value=b"{",
        headers=headers,
        reason="Broken",
        process="projection",
    )


def _kept(letter: DeadLetter, second: int) -> Kept:
    return Kept(letter.key, letter.value, letter.headers, second * 1000)


def _folded(*records: Kept, whole: str | None = None) -> KeptLetters:
    letters = KeptLetters(whole)
    letters.add(records)
    return letters


def test_letters_are_listed_newest_first_each_once_with_when_it_was_first_given_up() -> None:
    letters = _folded(_kept(_letter(7), 1), _kept(_letter(8), 2), _kept(_letter(7), 3), _kept(_letter(9), 2))
    found = [(letter.position, letter.at.timestamp()) for letter in letters.newest_first()]
    assert found == [("jobs.probe/1/9", 2), ("jobs.probe/1/8", 2), ("jobs.probe/1/7", 1)]


def test_one_topic_is_listed_alone() -> None:
    letters = _folded(_kept(_letter(7), 1), _kept(_letter(7, topic="work.probe"), 2))
    assert [letter.position for letter in letters.newest_first("work.probe")] == ["work.probe/1/7"]


def test_the_wanted_letter_has_its_message_without_our_headers_and_the_others_are_not_held() -> None:
    letters = _folded(_kept(_letter(7, headers=[("a", b"1")]), 1), _kept(_letter(8), 1), whole="jobs.probe/1/7")
    wanted, other = letters.find("jobs.probe/1/7"), letters.find("jobs.probe/1/8")
    assert wanted is not None
    assert (wanted.key, wanted.value, wanted.headers) == (b"key", b"{", (("a", b"1"),))
    assert other is not None
    assert (other.key, other.value, other.headers) == (None, None, ())


def test_a_redrive_is_told_with_who_and_when_and_refuses_the_next_unless_again() -> None:
    records = (_kept(_letter(7), 1), _kept(redrive_record("jobs.probe/1/7", "Ana"), 60))
    letter = _folded(*records).find("jobs.probe/1/7")
    assert letter is not None
    assert [(redrive.by, redrive.at) for redrive in letter.redrives] == [("Ana", datetime.fromtimestamp(60, UTC))]
    refusal = letter.why_not_redriven(again=False)
    assert refusal is not None
    assert "redriven by Ana at 1970-01-01 00:01:00 UTC" in refusal
    assert letter.why_not_redriven(again=True) is None


def test_a_letter_without_its_message_cannot_be_redriven_by_any_means() -> None:
    letter = _folded(_kept(_letter(7, headers=[("a", b"1")]).by_position(), 1)).find("jobs.probe/1/7")
    assert letter is not None
    assert "too large" in (letter.why_not_redriven(again=True) or "")


def test_headers_of_an_original_message_pass_for_nothing_of_ours() -> None:
    forged = [
        (REDRIVEN_POSITION, b"jobs.probe/1/1"),
        (REDRIVEN_BY, b"nobody"),
        ("dead-letter-omitted", b"all"),
        ("dead-letter-position", b"jobs.probe/1/1"),
    ]
    letters = _folded(_kept(_letter(1), 1), _kept(_letter(2, headers=forged), 2))
    assert [letter.position for letter in letters.newest_first()] == ["jobs.probe/1/2", "jobs.probe/1/1"]
    assert all(letter.redrives == () and not letter.omitted for letter in letters.newest_first())


def test_what_is_neither_letter_nor_record_is_counted() -> None:
    letters = _folded(Kept(b"k", b"v", (), 1), Kept(None, b"", [("dead-letter-position", b"nonsense")], 1))
    assert (letters.newest_first(), letters.strangers) == ([], 2)


def test_a_message_is_made_readable_whatever_it_is() -> None:
    assert readable(b'{"a":[1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert readable("für\n{".encode()) == "für\n{"
    assert readable(b"\x00\xff{") == "\\x00\\xff{"
    assert readable(b"[" * 100_000) == "[" * 100_000
