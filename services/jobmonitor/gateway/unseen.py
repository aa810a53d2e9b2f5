"""Characters that nobody sees and that make a text look like another one."""

from unicodedata import category

_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, surrogates, and separators of lines and paragraphs."""
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn round what stands beside them (Unicode Standard Annex 9). Others of their category join emoji."""


def has_unseen(text: str) -> bool:
    """Whether the text holds a control character, a line break among them, or one that sets the direction of others."""
    return any(character in _BIDIRECTIONAL or category(character) in _CONTROLS for character in text)
