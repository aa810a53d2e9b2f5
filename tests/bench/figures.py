"""Figures of the bench: measured several times, told as medians, beside their goal; a table and ``bench.json``."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure. Nothing is asserted: a goal that is missed is said."""

    name: str
    unit: str
    median: float
    min: float
    max: float
    reference: float | None = None
    """The same unit, measured in the same run on a peer or a bare loop; None where there is none."""
    ratio: float | None = None
    """``median / reference``."""
    goal: str
    """In words, for instance ``at most 300``."""
    met: bool


def at_most(goal: float, name: str, unit: str, runs: Sequence[float]) -> Figure:
    """A figure whose median should not exceed the goal."""
    middle = median(runs)
    return Figure(
        name=name,
        unit=unit,
        median=round(middle, 2),
        min=round(min(runs), 2),
        max=round(max(runs), 2),
        goal=f"at most {goal:g}",
        met=middle <= goal,
    )


def at_least(goal: float, name: str, unit: str, runs: Sequence[float]) -> Figure:
    """A figure whose median should not fall short of the goal."""
    return msgspec.structs.replace(at_most(goal, name, unit, runs), goal=f"at least {goal:g}", met=median(runs) >= goal)


def times(most: float, name: str, unit: str, runs: Sequence[float], reference: Sequence[float]) -> Figure:
    """A figure whose median should be at most so many times that of the reference."""
    ratio = median(runs) / median(reference)
    return msgspec.structs.replace(
        at_most(most, name, unit, runs),
        reference=round(median(reference), 2),
        ratio=round(ratio, 2),
        goal=f"at most {most:g} x {median(reference):.1f}",
        met=ratio <= most,
    )


def told(name: str, unit: str, runs: Sequence[float], reference: Sequence[float]) -> Figure:
    """A figure without a goal, beside its reference."""
    return msgspec.structs.replace(times(1, name, unit, runs, reference), goal="told, no goal", met=True)


def beside(figure: Figure, reference: Sequence[float]) -> Figure:
    """The same figure and goal, with a reference that was measured in the same run."""
    middle = median(reference)
    return msgspec.structs.replace(figure, reference=round(middle, 2), ratio=round(figure.median / middle, 2))


def ratio_at_most(most: float, figure: Figure, reference: Sequence[float]) -> Figure:
    """The same figure, beside a reference of the same run; the goal is the ratio: machines differ."""
    told_beside = beside(figure, reference)
    met = figure.median <= most * median(reference)
    return msgspec.structs.replace(told_beside, goal=f"at most {most:g} x the reference", met=met)


def ratio_at_least(least: float, figure: Figure, reference: Sequence[float]) -> Figure:
    """As ``ratio_at_most``, for what should be much."""
    told_beside = beside(figure, reference)
    met = figure.median >= least * median(reference)
    return msgspec.structs.replace(told_beside, goal=f"at least {least:g} x the reference", met=met)


def percentile(values: Sequence[float], percent: int) -> float:
    """Linear between the two nearest values; needs at least two."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def tell(figures: Sequence[Figure], file: Path) -> str:
    """Write the figures as JSON and return them as a table."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(list(figures))) + b"\n")
    width = max(len(figure.name) for figure in figures)
    lines = [f"{'figure':{width}} {'median':>10} {'min':>10} {'max':>10} {'reference':>10} {'ratio':>6}  unit   goal"]
    for figure in figures:
        verdict = "met" if figure.met else "MISSED"
        lines.append(
            f"{figure.name:{width}} {figure.median:>10,.2f} {figure.min:>10,.2f} {figure.max:>10,.2f} "
            f"{_or_blank(figure.reference):>10} {_or_blank(figure.ratio):>6}  {figure.unit:6} {figure.goal}: {verdict}"
        )
    return "\n".join(lines)


def _or_blank(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
