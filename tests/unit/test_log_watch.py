"""What of the children's logs reaches the terminal."""

from pathlib import Path

import pytest

from jobmonitor.local.log_watch import LogWatch, put_aside_long_logs

WARNING = "2026-11-23T21:26:44.8Z [warning  ] duty_postponed  duty=sweep process=reconciler\n"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "child.log"


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


@pytest.mark.parametrize(
    "line",
    [
        WARNING,
        "\x1b[2m2026-11-23\x1b[0m [\x1b[31m\x1b[1merror    \x1b[0m] crashed\n",
        "2026-11-23T21:22:07,056 WARN [QuorumController id=1] Disk is slow. (QuorumController)\n",
        "2026-11-23 21:26:46.555 UTC [23565] PANIC:  could not write to file\n",
    ],
)
def test_trouble_is_told(log: Path, line: str) -> None:
    watch = LogWatch(log)
    append(log, line)
    assert len(watch.news()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-23T21:26:44.8Z [info     ] monitoring_listening port=1\n",
        "2026-11-23 21:26:46.555 UTC [23565] ERROR:  duplicate key value violates unique constraint\n",
        "2026-11-23 21:26:46.555 UTC [23565] LOG:  database system is ready to accept connections\n",
    ],
)
def test_ordinary_lines_stay_in_the_log(log: Path, line: str) -> None:
    watch = LogWatch(log)
    append(log, line)
    assert watch.news() == []


def test_what_was_there_before_is_old_and_half_a_line_is_not_yet_news(log: Path) -> None:
    append(log, WARNING)
    watch = LogWatch(log)
    append(log, WARNING[:40])
    assert watch.news() == []
    append(log, WARNING[40:])
    assert watch.news() == [WARNING.strip("\n")]


def test_the_same_complaint_is_told_once_a_minute_whatever_its_particulars(log: Path) -> None:
    clock = Clock()
    watch = LogWatch(log, clock)
    append(log, WARNING + WARNING.replace("44.8", "45.9"))
    assert len(watch.news()) == 1
    clock.now = 59.0
    append(log, WARNING)
    assert watch.news() == []
    clock.now = 60.0
    append(log, WARNING)
    assert len(watch.news()) == 1


def test_a_long_log_is_put_aside_and_a_short_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / "long.log").write_bytes(b"x" * 10_000_001)
    (tmp_path / "short.log").write_bytes(b"x")
    put_aside_long_logs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.log.1", "short.log"]
