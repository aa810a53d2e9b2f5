"""What a check found: for each invariant whether it holds, how much was looked at, and examples of what breaks it."""

from typing import Literal

import msgspec

EXAMPLES_MAX = 5
"""Violations of one invariant that are told in words; all are counted."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that breaks an invariant."""

    about: str
    """Which thing: ``job <id>``, ``file <key>``."""
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.about}: expected {self.expected}, found {self.found}"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one invariant."""

    invariant: str
    """``I1`` to ``I40``."""
    says: str
    status: Literal["ok", "violated", "does not apply"]
    looked_at: int = 0
    violations: int = 0
    examples: tuple[Violation, ...] = ()
    """The first of the violations."""
    why_not: str = ""
    """Why it does not apply."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The findings about all invariants, in their order."""

    calm: bool
    """Whether nothing was said to be in motion any more."""
    messages: int
    """Messages of the log that were read."""
    jobs: int
    findings: tuple[Finding, ...]

    @property
    def violated(self) -> tuple[str, ...]:
        """The invariants that do not hold."""
        return tuple(finding.invariant for finding in self.findings if finding.status == "violated")

    @property
    def holds(self) -> bool:
        return not self.violated


class CouldNotLook(Exception):
    """The check cannot tell: a server is away, or does not show everything. The message is for operators."""


class DoesNotApply(Exception):
    """An invariant says nothing about what is there; the message is the reason, in a sentence."""


class Evidence:
    """Collects what one invariant's check sees."""

    def __init__(self) -> None:
        self.things = 0
        self.violations = 0
        self.examples: list[Violation] = []

    def expect(self, holds: bool, about: object, expected: object, found: object) -> bool:
        """Note a violation unless it holds; returns ``holds``."""
        if not holds:
            self.violations += 1
            if len(self.examples) < EXAMPLES_MAX:
                self.examples.append(Violation(about=str(about), expected=str(expected), found=str(found)))
        return holds

    def equal(self, found: object, expected: object, about: object, what: str = "") -> bool:
        """Expect two values to be the same; ``what`` is what they say."""
        return self.expect(found == expected, about, f"{what} {expected}".strip(), f"{what} {found}".strip())
