"""The versions of the libraries whose internals the processor overrides. Imports neither of them."""

from importlib.metadata import version

TESTED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}
"""As pinned in pyproject.toml. Raising one takes a run of tests/integration/test_no_skip.py with it."""


def untested_version() -> str | None:
    """What to tell whoever started the process; None when all are as tested."""
    wrong = [f"{library} {version(library)}" for library, tested in TESTED.items() if version(library) != tested]
    if not wrong:
        return None
    expected = " and ".join(f"{library} {tested}" for library, tested in TESTED.items())
    return f"The processor works with {expected} only, but finds {' and '.join(wrong)}. Install requirements.lock."
