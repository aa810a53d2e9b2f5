"""A processor whose engine has a bug: it meets it where it commits a chunk of a job with ``chunk_units`` of 7,777.

python -m support.buggy_processor
"""

import os
import sys
from typing import Any

from jobmonitor.ledger import Claim
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.processor.__main__ import serve
from jobmonitor.processor.settings import ProcessorSettings
from jobmonitor.runtime.process import run_process

BUG_UNITS = 7_777
_finish_chunk = LedgerTransaction.finish_chunk


async def _finish_or_divide_by_zero(self: LedgerTransaction, claim: Claim, *told: Any, **others: Any) -> None:
    if claim.parameters.get("chunk_units") == BUG_UNITS:
        raise ZeroDivisionError
    await _finish_chunk(self, claim, *told, **others)


if __name__ == "__main__":
    LedgerTransaction.finish_chunk = _finish_or_divide_by_zero  # type: ignore[method-assign]
    sys.exit(run_process("processor", ProcessorSettings, os.environ, serve))
