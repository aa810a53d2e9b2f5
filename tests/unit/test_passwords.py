"""Password hashes."""

from jobmonitor.crm.passwords import hash_as, hash_password


def _pattern(stored: str) -> str:
    """As the database gives it: without what the password made of the hash."""
    rest, _, made = stored.rpartition("$")
    return f"{rest}${'A' * len(made)}"


def test_a_password_matches_its_own_hash_only() -> None:
    stored = hash_password("correct horse")

    assert hash_as("correct horse", _pattern(stored)) == stored
    assert hash_as("correct horse ", _pattern(stored)) != stored
    assert "correct" not in stored
    assert hash_password("correct horse") != stored


def test_nobodys_password_never_matches() -> None:
    assert hash_as("nobody", None) is None
    assert hash_as("", None) is None


def test_a_hash_nobody_can_read_matches_nothing() -> None:
    assert hash_as("secret", "not a hash") is None
    assert hash_as("secret", "$argon2id$broken") is None
    assert hash_as("secret", "$argon2id$v=19$m=65536,t=3,p=4$?$AAAA") is None
