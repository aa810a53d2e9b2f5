"""Password hashes (Argon2id). Hashing takes about a seventh of a second: callers run it in a thread."""

from base64 import b64decode
from functools import cache

from argon2 import extract_parameters
from argon2.exceptions import Argon2Error
from argon2.low_level import hash_secret
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_passwords = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """The hash to store, with its own salt and parameters in it."""
    return _passwords.hash(password)


def hash_as(password: str, pattern: str | None) -> str | None:
    """The hash to compare with the stored one, of which ``pattern`` is all but what its password made of it.

    ``None`` stands for nobody: None, after as much work as for somebody. So an answer's time does not tell whether an
    address has a login. A pattern nobody can read is nobody's, too.
    """
    try:
        return _hash(password, pattern or "")
    except (Argon2Error, ValueError):
        _hash(password, _nobodys_hash())
        return None


def _hash(password: str, pattern: str) -> str:
    """Raises Argon2Error, ValueError."""
    parameters = extract_parameters(pattern)
    salt = pattern.split("$")[-2]
    return hash_secret(
        password.encode(),
        b64decode(salt + "=" * (-len(salt) % 4)),
        time_cost=parameters.time_cost,
        memory_cost=parameters.memory_cost,
        parallelism=parameters.parallelism,
        hash_len=parameters.hash_len,
        type=parameters.type,
        version=parameters.version,
    ).decode()


@cache
def _nobodys_hash() -> str:
    return hash_password("nobody")
