"""Every call of a statement gives the values it asks for: names in SQL that no type checker looks at."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from jobmonitor.database.statement import Statement

SERVICES = Path(__file__).parents[2] / "services"
METHODS = {"fetch", "fetchrow", "fetchval", "execute", "cursor", "bind"}
NOT_VALUES = {"prefetch"}


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """The variable with the statements, the statement's name, and the call, as in ``SQL["name"].fetch(...)``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Subscript(value=ast.Name(id=variable), slice=ast.Constant(value=str(name))), attr=method
                )
            ) if method in METHODS:
                yield variable, name, node


def given(call: ast.Call) -> set[str] | None:
    """The names of the values; None where some are only known at run time."""
    names = {keyword.arg for keyword in call.keywords}
    return None if None in names else {name for name in names if name} - NOT_VALUES


def test_every_call_gives_the_values_its_statement_asks_for() -> None:
    seen = 0
    for path in SERVICES.rglob("jobmonitor/**/*.py"):
        found = list(calls(ast.parse(path.read_text())))
        if not found:
            continue
        module = import_module(".".join(path.relative_to(SERVICES).with_suffix("").parts).removesuffix(".__init__"))
        for variable, name, call in found:
            statement: Statement = getattr(module, variable)[name]
            names = given(call)
            assert names is None or names == set(statement.names), f"{path.name}:{call.lineno} {name}"
            seen += 1
    assert seen > 100
