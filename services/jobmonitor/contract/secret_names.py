"""Names of parameters that look like secrets. Pure.

Parameters stay for ever, in Kafka, in the ledger and in the views.
"""

import re
from functools import lru_cache

LENGTH_MAX = 64
"""Longer names are those of no parameter."""
_WORD_BORDER = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z]+")
_SECRET = re.compile(
    r"(pass_?(word|phrase|code|wd)|pwd|token|secret|credential|authori[sz]ation|bearer|cookie|jwt|cvv"
    r"|(api|access|private|secret|signing|encryption)_?key)s?(_|$)"
)
_ID = re.compile(r"(^|_)ids?$")


def looks_secret(name: str) -> bool:
    """The id of a token is no secret. "secretary" is none, "authtoken" and "PassWord" are some."""
    return len(name) <= LENGTH_MAX and _looks(name)


@lru_cache(maxsize=1000)
def _looks(name: str) -> bool:
    in_words = _WORD_BORDER.sub("_", name).strip("_").lower()
    return not _ID.search(in_words) and any(map(_SECRET.search, (in_words, name.lower())))
