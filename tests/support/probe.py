"""The probe job type, which a test can also tell to fail in the chunk that runs next."""

from typing import Any

from jobmonitor.job_types.probe.job_type import Probe, ProbeParameters
from jobmonitor.job_types.protocol import Capacity, Context, Part


class FailingProbe(Probe):
    """Raises ``failures`` one by one, each in the next chunk that runs, after its effects."""

    capacity = Capacity(chunks_in_flight=2)

    def __init__(self, outside_url: str = "") -> None:
        super().__init__(outside_url)
        self.failures: list[Exception] = []
        self.small = False
        """Whether its jobs are done in one step, as far as they are small."""

    async def is_small(self, params: ProbeParameters, context: Context) -> bool:
        return self.small and await super().is_small(params, context)

    async def run_chunk(self, params: ProbeParameters, payload: Any, context: Context) -> Part:
        part = await super().run_chunk(params, payload, context)
        if self.failures:
            raise self.failures.pop(0)
        return part
