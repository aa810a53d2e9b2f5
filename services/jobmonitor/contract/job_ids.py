"""Where a job's id comes from: the same account and idempotency key always give the same job.

A producer can therefore submit again after any failure, from anywhere, without asking first.
"""

from uuid import UUID, uuid5

_NAMESPACE = UUID("5b4f6c1e-6f2d-5b8e-9d0a-2f0c7a3f9e11")
"""Part of the contract: producers in other languages use the same."""


def job_id_for(account_id: int, idempotency_key: str) -> UUID:
    """UUIDv5 (RFC 9562, section 5.5) of ``<account id>:<key>``. Producers without a key take a fresh UUIDv7 instead."""
    return uuid5(_NAMESPACE, f"{account_id}:{idempotency_key}")
