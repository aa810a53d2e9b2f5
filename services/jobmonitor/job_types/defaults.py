"""What most job types have in common, to inherit from: a type then says only what is special about it."""

from collections.abc import Sequence
from typing import Any, Generic

import msgspec

from jobmonitor.crm.uploads import UploadContents
from jobmonitor.job_types.form import Form
from jobmonitor.job_types.outside import Outside
from jobmonitor.job_types.protocol import Capacity, Context, EffectsCount, Ending, Params, Part, RetryPolicy, UploadRule


class JobTypeDefaults(Generic[Params]):
    """A type that cannot be stopped, only reads, and runs its chunks in any order."""

    slug: str
    title: str
    unit: str
    permission: str
    params_type: type[Params]
    stoppable: bool = False
    result_when_stopped: bool = True
    in_order: bool = False
    retries: RetryPolicy = RetryPolicy()
    capacity: Capacity = Capacity()
    outside: Outside[Params] | None = None
    effects: EffectsCount | None = None
    upload: UploadRule | None = None
    form: Form = Form()

    def unit_of(self, params: Params) -> str:
        return self.unit

    def exclusive_resources(self, params: Params) -> frozenset[str]:
        return frozenset()

    async def check(self, params: Params, context: Context) -> None:
        """Whatever fits the schema will do."""

    async def began(self, params: Params, context: Context) -> None:
        """Nothing. A type that leaves this as it is costs no statement."""

    async def ended(self, params: Params, ending: Ending, context: Context) -> None:
        """Nothing, as ``began``."""

    async def is_small(self, params: Params, context: Context) -> bool:
        return False

    async def options(self, context: Context) -> msgspec.Struct | None:
        return None

    async def columns(self, contents: UploadContents, context: Context) -> Sequence[msgspec.Struct]:
        return []


class OutsideJobTypeDefaults(JobTypeDefaults[Params]):
    """A type with effects outside the database: it says ``outside`` instead of ``run_chunk``."""

    outside: Outside[Params]

    async def run_chunk(self, params: Params, payload: Any, context: Context) -> Part:
        raise RuntimeError(f"The chunks of {self.slug} are reserved, acted on and recorded.")
