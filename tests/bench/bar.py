"""From the fact to the bar: how long after a ``JobProgressed`` a browser shows at least that much.

The fact's time is its CloudEvents ``time``; the bar's is taken in the page whenever a "done of total" changes. Both are
this machine's clock.
"""

from bisect import bisect_left
from typing import Any
from uuid import UUID

import httpx2

from bench.figures import Figure, at_most, percentile
from bench.running_stack import RunningStack
from jobmonitor.contract.events import JobProgressed
from jobmonitor.contract.topics import jobs_topic
from support.browser import launched_browser
from support.engine import read_events
from support.waiting import until

RUNS = 5
LOGIN = {"email": "user@demo.test", "password": "jobmonitor-demo"}

WATCH = """
() => {
  window.bars = [];
  const look = () => {
    for (const match of document.body.innerText.matchAll(/([\\d,]+) of ([\\d,]+)/g))
      window.bars.push([Date.now(), Number(match[1].replaceAll(',', ''))]);
  };
  const everything = {subtree: true, childList: true, characterData: true, attributes: true};
  new MutationObserver(look).observe(document.body, everything);
}
"""


async def bar_figures(stack: RunningStack) -> list[Figure]:
    """Several exports one after the other, each watched by one open page."""
    p50s, p95s = [], []
    for _ in range(RUNS):
        delays = await _delays_ms(stack)
        p50s.append(percentile(delays, 50))
        p95s.append(percentile(delays, 95))
    return [
        at_most(300, "fact to bar in a browser: p50", "ms", p50s),
        at_most(300, "fact to bar in a browser: p95", "ms", p95s),
    ]


async def _delays_ms(stack: RunningStack) -> list[float]:
    async with launched_browser() as browser:
        context = await browser.new_context(base_url=stack.url)
        await context.request.post("/api/v1/session", data=LOGIN)
        page = await context.new_page()
        await page.goto("/")
        await page.get_by_text("Live").wait_for()
        await page.evaluate(WATCH)
        job_id = await _run_export(stack)
        await page.wait_for_timeout(500)
        bars = await page.evaluate("() => window.bars")
        await context.request.get(f"/api/v1/jobs/{job_id}/result")
    return await _matched(stack, job_id, bars)


async def _run_export(stack: RunningStack) -> UUID:
    async with httpx2.AsyncClient(base_url=stack.url, timeout=60) as client:
        await client.post("/api/v1/session", json=LOGIN)
        body = {"type": "user-data-export", "parameters": {"format": "transaction"}}
        job_id = (await client.post("/api/v1/jobs", json=body)).json()["id"]

        async def ended() -> bool:
            return bool((await client.get(f"/api/v1/jobs/{job_id}")).json()["completed_at"])

        await until(ended, within_s=120)
    return UUID(job_id)


async def _matched(stack: RunningStack, job_id: UUID, bars: list[tuple[int, int]]) -> list[float]:
    """For each progress fact the time until the page first showed as much or more."""
    best: list[tuple[int, int]] = []
    for at_ms, done in bars:
        if not best or done > best[-1][1]:
            best.append((at_ms, done))
    shown = [done for _, done in best]
    events: list[Any] = await read_events(stack.note["kafka_bootstrap"], jobs_topic("user-data-export"))
    facts = [event for event in events if event.job_id == job_id and isinstance(event.data, JobProgressed)]
    return [
        best[place][0] - event.time.timestamp() * 1000
        for event in facts
        if (place := bisect_left(shown, event.data.done)) < len(shown)
    ]
