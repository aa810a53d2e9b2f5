"""Checks documents against JSON Schemas."""

from typing import Any

import jsonschema_rs


def problems(schema: Any, document: Any, *, formats: bool = True) -> list[str]:
    """What is wrong with the document, each with its place. ``formats`` are JSON Schema's own, such as ``uuid``."""
    validator = jsonschema_rs.validator_for(schema, validate_formats=formats)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(document)]
