"""Checks documents against JSON Schemas."""

from typing import Any

import jsonschema_rs


def problems(schema: Any, document: Any) -> list[str]:
    """What is wrong with the document, each with its place."""
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(document)]
