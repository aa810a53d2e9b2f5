"""Password hashes."""

from jobmonitor.crm.passwords import hash_password, verify_password


def test_a_password_matches_its_own_hash_only() -> None:
    stored = hash_password("correct horse")

    assert verify_password("correct horse", stored)
    assert not verify_password("correct horse ", stored)
    assert "correct" not in stored
    assert hash_password("correct horse") != stored


def test_nobodys_password_never_matches() -> None:
    assert not verify_password("nobody", None)
    assert not verify_password("", None)


def test_a_hash_nobody_can_read_matches_nothing() -> None:
    assert not verify_password("secret", "not a hash")
    assert not verify_password("secret", "$argon2id$broken")
