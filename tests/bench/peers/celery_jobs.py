"""Celery's side of the comparison: its app, and its client. Runs in the peers' own environment.

``celery -A celery_jobs worker`` serves; ``python celery_jobs.py starts 300`` prints the milliseconds from each
submission to hearing that its task began, ``python celery_jobs.py jobs 3000 10`` how many jobs a second end in Flower,
each after ten events of progress. ``PEER_REDIS`` and ``PEER_FLOWER`` say where the two are.
"""

import os
import re
import sys
import time
import urllib.request
from typing import Any

import redis
from celery import Celery

REDIS_URL = os.environ["PEER_REDIS"]
SUCCEEDED = re.compile(r'^flower_events_total\{.*type="task-succeeded".*\} (\S+)$', re.MULTILINE)
POLL_S = 0.05
WARM_UP = 200

app = Celery("peer", broker=REDIS_URL)
app.conf.update(worker_send_task_events=True, task_ignore_result=True)
_redis = redis.Redis.from_url(REDIS_URL)


def _work(task: Any, progresses: int) -> None:
    for done in range(1, progresses + 1):
        task.send_event("task-progressed", done=done, total=progresses)


def _tell(key: str) -> None:
    _redis.rpush(key, 1)


work = app.task(_work, name="work", bind=True)
tell = app.task(_tell, name="tell")


def milliseconds_to_start(number: int) -> float:
    began = time.perf_counter()
    tell.delay(f"started-{number}")
    _redis.blpop([f"started-{number}"])
    return 1000 * (time.perf_counter() - began)


def jobs_per_s(jobs: int, progresses: int) -> float:
    """From the first submission to the last end that Flower knows of."""
    wanted = _seen_by_flower() + jobs
    began = time.perf_counter()
    for _ in range(jobs):
        work.delay(progresses)
    while _seen_by_flower() < wanted:
        time.sleep(POLL_S)
    return jobs / (time.perf_counter() - began)


def _seen_by_flower() -> int:
    with urllib.request.urlopen(f"{os.environ['PEER_FLOWER']}/metrics") as answer:  # noqa: S310 - on the loopback
        return sum(int(float(count)) for count in SUCCEEDED.findall(answer.read().decode()))


if __name__ == "__main__":
    what, count = sys.argv[1], int(sys.argv[2])
    if what == "starts":
        for number in range(-WARM_UP // 10, 0):
            milliseconds_to_start(number)
        print(*(milliseconds_to_start(number) for number in range(count)))  # noqa: T201
    else:
        jobs_per_s(WARM_UP, 0)
        print(jobs_per_s(count, int(sys.argv[3])))  # noqa: T201
