"""Writes the folder ``schemas/`` from the types, or says where it differs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from jobmonitor.contract.asyncapi import asyncapi_document
from jobmonitor.contract.documents import Document, event_schema, file_name, parameters_schema, topics_document
from jobmonitor.contract.events import EVENT_TYPES
from jobmonitor.contract.topics import catalogue
from jobmonitor.job_types.registry import built_in

NOTE = "# Generated from the types by `jobmonitor schemas`; not to be edited.\n"
SUMS = "examples/SHA256SUMS"


def generated_files() -> dict[str, str]:
    """The text of every generated file, by its path inside the folder. Types of other packages are not in it."""
    files = {f"events/{file_name(name)}.json": _json(event_schema(name)) for name in EVENT_TYPES}
    for job_type in built_in():
        schema = parameters_schema(job_type.slug, job_type.title, job_type.params_type)
        files[f"job_types/{job_type.slug}.json"] = _json(schema)
    topics = catalogue(job_type.slug for job_type in built_in())
    return {**files, "topics.yaml": _yaml(topics_document(topics)), "asyncapi.yaml": _yaml(asyncapi_document(topics))}


def write(folder: Path) -> list[str]:
    """Make the folder say what the types say; returns the paths that changed. Examples are never touched."""
    changed = differences(folder)
    files = generated_files()
    for path in changed:
        target = folder / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
        elif path != SUMS:
            target.unlink()
    _pin_new_examples(folder)
    return changed


def differences(folder: Path) -> list[str]:
    """The paths that are missing, stale or left over, and the list of sums where an example is not in it."""
    files = generated_files()
    stale = [path for path, text in files.items() if _read(folder / path) != text]
    left_over = [path for path in _generated_paths(folder) if path not in files]
    return sorted([*stale, *left_over, *([SUMS] if _unpinned(folder) else [])])


def pinned_examples(folder: Path) -> dict[str, str]:
    """The SHA-256 of each golden example, by file name, as first written down."""
    lines = (_read(folder / SUMS) or "").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unpinned(folder: Path) -> list[Path]:
    pinned = pinned_examples(folder)
    return [path for path in sorted((folder / "examples").glob("*.json")) if path.name not in pinned]


def _pin_new_examples(folder: Path) -> None:
    new = [f"{sha256_of(path)}  {path.name}\n" for path in _unpinned(folder)]
    if new:
        with (folder / SUMS).open("a", encoding="utf-8") as sums:
            sums.writelines(new)


def _generated_paths(folder: Path) -> Iterator[str]:
    for kind in ("events", "job_types"):
        for path in (folder / kind).glob("*.json"):
            yield f"{kind}/{path.name}"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(document: Document) -> str:
    return NOTE + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
