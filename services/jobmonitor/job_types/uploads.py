"""The uploaded file a job reads, and what its owner is told where it cannot be read. The parameter is ``upload``."""

from typing import NoReturn
from uuid import UUID

from jobmonitor.crm.uploads import Upload, find_upload, upload_key
from jobmonitor.job_types.protocol import Context, Refused, UploadRule
from jobmonitor.runtime.objects import ObjectMissing


async def read_upload(upload_id: UUID, rule: UploadRule, context: Context) -> bytes:
    """The whole file. Raises Refused."""
    return await content_of(await usable_upload(upload_id, rule, context), context)


async def usable_upload(upload_id: UUID, rule: UploadRule, context: Context) -> Upload:
    """What is known of the file, if the job's owner may use it: somebody else's does not exist. Raises Refused."""
    upload = await find_upload(context.connection, upload_id, context.owner_id)
    if upload is None:
        _refuse("unknown_upload", f"There is no uploaded file {upload_id}.")
    if _bare(upload.media_type) not in map(_bare, rule.media_types.values()):
        endings = " or ".join(f".{ending}" for ending in rule.media_types)
        _refuse("wrong_file_type", f"{upload.name} is not a file of the kind this job reads: {endings}.")
    if upload.size_bytes > rule.bytes_max:
        _refuse("too_large", f"The file has more than {rule.bytes_max:,} bytes.")
    return upload


async def content_of(upload: Upload, context: Context) -> bytes:
    """The bytes of a usable upload. Raises Refused."""
    try:
        return b"".join([piece async for piece in context.objects.stream(upload_key(context.account_id, upload.id))])
    except ObjectMissing:
        _refuse_gone()


async def require_content(upload: Upload, context: Context) -> None:
    """Raises Refused where the file is not kept any more."""
    try:
        await context.objects.size(upload_key(context.account_id, upload.id))
    except ObjectMissing:
        _refuse_gone()


def _bare(media_type: str) -> str:
    """Without parameters such as the charset."""
    return media_type.partition(";")[0]


def _refuse_gone() -> NoReturn:
    _refuse("upload_gone", "The uploaded file is not kept any more: upload it again.")


def _refuse(code: str, reason: str) -> NoReturn:
    raise Refused(code, reason, parameter="upload")
