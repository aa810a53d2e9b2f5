"""Imports in the engine, chunk by chunk as a test likes, and what is left in the end, comparable between accounts."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.events import JobCompleted, JobSubmitted, result_key
from jobmonitor.contract.topics import jobs_topic, view_topics, work_topic
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from jobmonitor.processor.acceptor import Acceptor
from jobmonitor.processor.chunks import ChunkRunner
from support.crm import Crm
from support.engine import Engine, create_topics, heard, read_events
from support.imports import Imports
from support.run_job_type import owner_of

ROOT = Path(__file__).parent.parent.parent
SLUG = UserDataImport.slug


@dataclass
class ImportEngine:
    """The engine at work on imports into one account."""

    engine: Engine
    imports: Imports
    job_type: JobType[Any]
    runner: ChunkRunner
    acceptor: Acceptor

    @property
    def account_id(self) -> int:
        return self.imports.crm.account_id

    async def submit(self, content: bytes | str, name: str = "people.csv", **parameters: Any) -> UUID:
        """Upload the file and take the job up."""
        upload = str(await self.imports.upload(content, name))
        return await self.take_up(upload=upload, **parameters)

    async def take_up(self, **parameters: Any) -> UUID:
        """As if the submission had been heard."""
        job_id = uuid4()
        owner_id = owner_of(self.account_id)
        submission = JobSubmitted(account_id=self.account_id, owner_id=owner_id, job_type=SLUG, parameters=parameters)
        await self.acceptor.accept([heard(job_id, submission)])
        return job_id

    async def run_to_end(self, job_id: UUID) -> None:
        """Run whatever is dispatched until nothing is."""
        while chunks := await self.engine.dispatched(job_id):
            for chunk in chunks:
                await self.runner.run(job_id, chunk)

    async def run_up_to(self, job_id: UUID, chunk: int) -> None:
        """Run what comes before this chunk."""
        for before in range(chunk):
            await self.runner.run(job_id, before)

    async def facts(self, job_id: UUID) -> list[Any]:
        events = await read_events(self.engine.bootstrap, jobs_topic(SLUG))
        return [event.data for event in events if event.job_id == job_id]

    async def completed(self, job_id: UUID) -> JobCompleted:
        """The job's end, which has to be a good one."""
        last = (await self.facts(job_id))[-1]
        assert isinstance(last, JobCompleted)
        return last

    async def result(self, job_id: UUID) -> bytes:
        """The result file."""
        result = (await self.completed(job_id)).result
        assert result is not None
        return b"".join(
            [piece async for piece in self.engine.objects.stream(result_key(self.account_id, job_id, result))]
        )

    async def left_behind(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that imports wrote into the account, people by their addresses: ids and times are nobody's business."""
        queries = {
            "supporters": "SELECT email::text FROM crm.supporters WHERE account_id = $1",
            "values": "SELECT email::text, name, value FROM crm.supporter_values JOIN crm.supporters AS s "
            "ON s.id = supporter_id JOIN crm.ads_fields AS f ON f.id = field_id WHERE s.account_id = $1",
            "answers": "SELECT email::text, name, value, source FROM crm.answers JOIN crm.supporters AS s "
            "ON s.id = supporter_id JOIN crm.questions AS q ON q.id = question_id WHERE s.account_id = $1",
            "activities": "SELECT email::text, reference_name, type, source FROM crm.activities "
            "JOIN crm.supporters AS s ON s.id = supporter_id JOIN crm.campaigns AS c ON c.id = campaign_id "
            "WHERE s.account_id = $1",
            "rows": "SELECT row_no, outcome, email::text, code, message FROM crm.import_rows LEFT JOIN crm.supporters "
            "AS s ON s.id = entity_id WHERE import_rows.account_id = $1",
        }
        owner = self.imports.crm.owner
        found = {name: await owner.fetch(query, self.account_id) for name, query in queries.items()}
        return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}

    def start_worker_that_hangs_in(self, job_id: UUID, chunk: int) -> "subprocess.Popen[bytes]":
        """A process that runs this chunk halfway; returns when it is there."""
        settings = self.engine.settings
        urls = [settings.database_url, settings.kafka_bootstrap, settings.object_store_url]
        worker = subprocess.Popen(
            [sys.executable, "-m", "support.import_worker", *urls, str(job_id), str(chunk)],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'services'}:{ROOT / 'tests'}"},
            stdout=subprocess.PIPE,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"in the middle\n"
        return worker


def kill(worker: "subprocess.Popen[bytes]") -> None:
    """At once, as when the machine is gone."""
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    assert worker.stdout is not None
    worker.stdout.close()


async def import_engine(engine: Engine, crm: Crm, job_type: UserDataImport) -> ImportEngine:
    """Imports of this account in the engine."""
    await create_topics(engine.bootstrap, *view_topics(SLUG), work_topic(SLUG))
    return ImportEngine(
        engine=engine,
        imports=Imports(crm, engine.objects),
        job_type=job_type,
        runner=engine.runner_for(job_type),
        acceptor=engine.acceptor_for(job_type),
    )
