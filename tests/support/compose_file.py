"""docker-compose.yml as compose reads it: variables filled in from an environment, merges resolved."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<rule>:-|:\?)(?P<text>[^}]*))?\}")


class VariableMissing(Exception):
    """A variable that must be set is not; compose would refuse with the same words."""


def compose_file(environment: Mapping[str, str]) -> Any:
    """The file, filled in. Raises VariableMissing."""

    def fill(found: re.Match[str]) -> str:
        value = environment.get(found["name"], "")
        if value or found["rule"] != ":?":
            return value or found["text"] or ""
        raise VariableMissing(f"{found['name']}: {found['text']}")

    return _filled(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), fill)


def _filled(value: Any, fill: Callable[[re.Match[str]], str]) -> Any:
    """Values only: compose fills in after it has read the YAML, so what it fills in is always text."""
    if isinstance(value, dict):
        return {name: _filled(inner, fill) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, fill) for inner in value]
    return _VARIABLE.sub(fill, value) if isinstance(value, str) else value


def example_variables() -> dict[str, str]:
    """The variables of .env.example, commented ones too, by name."""
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(lines)


def filled_in() -> dict[str, str]:
    """An environment as somebody makes it who follows .env.example."""
    return {name: value or f"secret{position}" for position, (name, value) in enumerate(example_variables().items())}
