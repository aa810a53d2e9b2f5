"""The orphan sweep: what a frozen worker wrote after its job was tidied up goes, and nothing that is needed."""

import os
import time
from pathlib import Path
from uuid import UUID, uuid4

from jobmonitor.reconciler.orphans import ORPHAN_AFTER, OrphanSweep
from support.engine import Engine


def write(folder: Path, key: str) -> str:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"personal data")
    return key


def make_old(folder: Path) -> None:
    """As if everything there had been written long ago."""
    then = time.time() - 2 * ORPHAN_AFTER.total_seconds()
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def sweep_all(engine: Engine) -> int:
    """A whole round, however it is cut into batches."""
    sweep = OrphanSweep(engine.ledger.cleanup, engine.objects, every_s=3600)
    return sum([await sweep.sweep() for _ in range(5)])


async def ended_and_tidied(engine: Engine) -> UUID:
    job_id = await engine.submit(units=4)
    await engine.run_to_end(job_id)
    await engine.ledger.cleanup.forget_chunks(job_id)
    await engine.objects.delete_under(f"parts/1/{job_id}")
    return job_id


async def test_what_a_zombie_wrote_after_the_sweep_is_deleted(engine: Engine, tmp_path: Path) -> None:
    job_id = await ended_and_tidied(engine)
    needed = files(tmp_path)
    write(tmp_path, f"parts/1/{job_id}/0000001-{uuid4().hex}")
    write(tmp_path, f"results/1/{job_id}/{uuid4().hex}.csv")
    write(tmp_path, f"parts/1/{uuid4()}/0000001-{uuid4().hex}")
    make_old(tmp_path)
    assert await sweep_all(engine) == 3
    assert files(tmp_path) == needed


async def test_what_is_needed_or_may_be_yet_stays(engine: Engine, tmp_path: Path) -> None:
    """Parts of a job that goes on, an upload, a file that is none of ours, and all that is young."""
    ended = await ended_and_tidied(engine)
    running = await engine.submit(units=4)
    await engine.runner.run(running, 0)
    await engine.runner.run(running, 1)
    write(tmp_path, f"uploads/1/{uuid4()}")
    write(tmp_path, "results/readme.txt")
    make_old(tmp_path)
    write(tmp_path, f"results/1/{ended}/{uuid4().hex}.csv")
    write(tmp_path, f"results/1/{uuid4()}/{uuid4().hex}.csv")
    before = files(tmp_path)
    assert await sweep_all(engine) == 0
    assert files(tmp_path) == before


async def test_the_next_round_begins_only_after_its_pause(engine: Engine, tmp_path: Path) -> None:
    job_id = await ended_and_tidied(engine)
    sweep = OrphanSweep(engine.ledger.cleanup, engine.objects, every_s=3600)
    for _ in range(5):
        await sweep.sweep()
    write(tmp_path, f"parts/1/{job_id}/0000001-{uuid4().hex}")
    make_old(tmp_path)
    assert [await sweep.sweep() for _ in range(3)] == [0, 0, 0]
