"""Named parameters for SQL: ``:name`` in the text, numbered for the driver."""

import re
from typing import Any

_NAME = re.compile(r"(?<![:\w]):([a-z][a-z_]*)")


def bind(text: str, arguments: list[Any], **values: Any) -> str:
    """The text with each ``:name`` replaced by its ``$number``; the values are appended to ``arguments``.

    Several texts bound to the same list can be joined into one statement. Raises KeyError: a name without a value.
    """
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name not in numbers:
            arguments.append(values[name])
            numbers[name] = len(arguments)
        return f"${numbers[name]}"

    return _NAME.sub(number, text)
