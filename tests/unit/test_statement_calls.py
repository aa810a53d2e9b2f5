"""Every call of a statement gives the values it asks for: names in SQL that no type checker looks at."""

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest

from jobmonitor.database.statement import Statement, statements

SERVICES = Path(__file__).parents[2] / "services"
METHODS = {"fetch", "fetchrow", "fetchval", "execute", "cursor", "bind"}
NOT_VALUES = {"prefetch"}
_OWN = re.compile(r"""\bself\.(?P<variable>\w+) = \{[^}]*statements\("(?P<package>[\w.]+)"\)""")
"""Statements of an object, with parts filled in: all of one package."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Where the statement is from, and the call, as in ``SQL["name"].fetch(...)`` or ``_SAVE.fill(...).fetch(...)``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=called, attr=method)) if method in METHODS:
                yield ast.unparse(unfilled(called)), node


def unfilled(called: ast.expr) -> ast.expr:
    match called:
        case ast.Call(func=ast.Attribute(value=with_parts, attr="fill")):
            return unfilled(with_parts)
    return called


def known_statements(path: Path) -> Mapping[str, Statement]:
    """The module's statements by how it writes them: ``SQL['name']``, ``self._sql['name']``, ``_INSERT``."""
    module = import_module(".".join(path.relative_to(SERVICES).with_suffix("").parts).removesuffix(".__init__"))
    known = {name: value for name, value in vars(module).items() if isinstance(value, Statement)}
    several = {name: value for name, value in vars(module).items() if isinstance(value, dict)}
    for own in _OWN.finditer(path.read_text()):
        several[f"self.{own['variable']}"] = statements(own["package"])
    for variable, found in several.items():
        known |= {f"{variable}[{name!r}]": each for name, each in found.items() if isinstance(each, Statement)}
    return known


def given(call: ast.Call) -> set[str] | None:
    """The names of the values; None where some are only known at run time."""
    names = {keyword.arg for keyword in call.keywords}
    return None if None in names else {name for name in names if name} - NOT_VALUES


def fits(statement: Statement, call: ast.Call) -> bool:
    """Whether each value is given that is asked for, and no other; parts that are filled in may ask for more."""
    names, asked = given(call), set(statement.names)
    filled = isinstance(call.func, ast.Attribute) and unfilled(call.func.value) is not call.func.value
    return names is None or (names >= asked if filled else names == asked)


def test_every_call_gives_the_values_its_statement_asks_for() -> None:
    seen = []
    for path in SERVICES.rglob("jobmonitor/**/*.py"):
        text = path.read_text()
        if "sql[" not in text.lower():
            continue
        known = known_statements(path)
        found = [(known[written], call, written) for written, call in calls(ast.parse(text)) if written in known]
        for statement, call, written in found:
            assert fits(statement, call), f"{path.name}:{call.lineno} {written}"
        seen += [written for _, _, written in found]
    assert len(seen) > 100
    assert {"self._sql['clear_suspicion']", "SQL['drop_rows']", "_INSERT"} <= set(seen), "one of each way to write it"


@pytest.mark.parametrize(
    ("call", "right"),
    [
        ("STATEMENT.fetch(pool, a=1, b=2)", True),
        ("STATEMENT.fetch(pool, a=1)", False),
        ("STATEMENT.fetch(pool, a=1, b=2, c=3)", False),
        ("STATEMENT.fill(part=text).fetch(pool, a=1, b=2, c=3)", True),
        ("STATEMENT.fill(part=text).fetch(pool, a=1, c=3)", False),
        ("STATEMENT.fill(part=text).fetch(pool, a=1, **others)", True),
        ("STATEMENT.cursor(pool, a=1, b=2, prefetch=100)", True),
    ],
)
def test_a_call_that_leaves_out_a_value_is_found(call: str, *, right: bool) -> None:
    ((written, found),) = calls(ast.parse(call))
    assert written == "STATEMENT"
    assert fits(Statement("SELECT {part} WHERE a = :a AND b = :b"), found) == right
