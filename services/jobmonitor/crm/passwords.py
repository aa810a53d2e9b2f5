"""Password hashes (Argon2id). Both functions take about a seventh of a second: callers run them in a thread."""

from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

_passwords = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """The hash to store, with its own salt and parameters in it."""
    return _passwords.hash(password)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the password. ``None`` stands for nobody: False, after as much work as for somebody.

    So an answer's time does not tell whether an address has a login. A hash nobody can read is False, too.
    """
    try:
        matches = _passwords.verify(password, password_hash or _nobodys_hash())
    except PwdlibError:
        return False
    return matches and password_hash is not None


@cache
def _nobodys_hash() -> str:
    return hash_password("nobody")
