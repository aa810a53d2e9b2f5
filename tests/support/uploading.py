"""Files sent to a gateway, and what it keeps of them; files kept without one."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2

from jobmonitor.crm.uploads import upload_key
from jobmonitor.gateway.uploads.readers import ending_of
from jobmonitor.job_types.protocol import JobType
from jobmonitor.runtime.objects import ObjectStore
from support.gateway import RunningGateway

OPTIONS = "job-types/user-data-import/options"
MOST_BYTES = 20_971_520
PEOPLE = b"Email,First Name,Shoe size\r\nada@x.test,Ada,38\r\n,,\r\nbob@x.test,Bob,44\r\n"
SHAPE = """
INSERT INTO crm.ads_fields (id, account_id, name, tag, position)
VALUES (1, 1, 'Email', 'email', 1), (2, 1, 'First Name', 'first_name', 2), (3, 2, 'Shoe size', NULL, 1);
INSERT INTO crm.questions (id, account_id, name, kind) VALUES (4, 1, 'News', 'opt_in');
INSERT INTO crm.campaigns (id, account_id, kind, reference_name, status)
VALUES (5, 1, 'petition', 'Meadows', 'live'), (6, 1, 'petition', 'Old', 'closed'), (7, 1, 'donation', 'Gifts', 'live');
INSERT INTO crm.pages (id, account_id, campaign_id, url_slug) VALUES (8, 1, 5, 'a'), (9, 1, 6, 'b'), (10, 1, 7, 'c');
INSERT INTO crm.import_formats (id, account_id, name, columns)
VALUES (11, 1, 'Weekly', '[{"header": "Email", "to": "email"}]'), (12, 2, 'Theirs', '[]');
"""


async def send_file(
    client: httpx2.AsyncClient, content: Any, name: str = "people.csv", *, job_type: str | None = None, **headers: str
) -> httpx2.Response:
    """For this job type, or whichever reads it."""
    params = {"name": name} | ({} if job_type is None else {"type": job_type})
    return await client.post("/api/v1/uploads", params=params, content=content, headers=headers)


async def store_upload(
    superuser: "asyncpg.Connection[asyncpg.Record]",
    objects: ObjectStore,
    job_type: JobType[Any],
    content: bytes,
    name: str,
    *,
    account_id: int = 1,
    user_id: int = 2,
) -> UUID:
    """As if this user had sent the file to a gateway, which does not look into it; returns its id."""
    assert job_type.upload is not None
    upload_id, media_type = uuid4(), job_type.upload.media_types[ending_of(name)]
    await objects.put(upload_key(account_id, upload_id), content)
    await superuser.execute(
        "INSERT INTO crm.uploads (id, account_id, uploaded_by, job_type, name, media_type, size_bytes, sha256) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(upload_id, account_id, user_id, job_type.slug, name, media_type, len(content), sha256(content).hexdigest()),
    )
    return upload_id


def kept_files(gateway: RunningGateway) -> list[Path]:
    folder = Path(gateway.settings.object_store_url.removeprefix("file://"))
    return [path for path in folder.rglob("*") if path.is_file()]


async def nothing_is_kept(gateway: RunningGateway) -> bool:
    return kept_files(gateway) == [] and not await gateway.owner.fetchval("SELECT count(*) FROM crm.uploads")


async def begin_upload(
    gateway: RunningGateway, client: httpx2.AsyncClient, length: int, headers: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The head of an upload that declares this length; each further header ends in CRLF."""
    address = httpx2.URL(gateway.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    cookie = f"jobmonitor_session={client.cookies['jobmonitor_session']}"
    writer.write(
        f"POST /api/v1/uploads?name=a.csv HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n"
        f"Content-Length: {length}\r\n{headers}\r\n".encode()
    )
    return reader, writer
