"""The aims of the project for speed and memory, and whether they are met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import linear_regression

from benchmark.results import Measured, agreement

MOST_ABOVE_BARE = 1.15
FASTEST_TO_LOOP = 1.5
GATED_TO_BY_HAND = 10.0
FLAGS_KEPT = 0.995
MEMORY_GROWTH = 1.10
TIME_EXPONENT = (0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Aim:
    """What was wanted, what was found, and whether that is enough; `None` where it was not measured."""

    wanted: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return "not measured" if self.met is None else "met" if self.met else "not met"


def aims(rows: Mapping[str, Measured], sizes: Sequence[Measured], threshold: float) -> list[Aim]:
    """All aims, from the rows by name and the runs of several sizes, smallest first."""
    return [
        _near_bare(rows.get("c"), rows.get("bare")),
        _times("(d) at least 1.5 times as fast as (b)", rows.get("d"), rows.get("b"), FASTEST_TO_LOOP),
        *(aim for name in ("e", "e8") for aim in _gated(name, rows, threshold)),
        _flat(sizes),
        _linear(sizes),
    ]


def _near_bare(own: Measured | None, bare: Measured | None) -> Aim:
    wanted = "(c) takes at most 15 % longer for a window than the bare onnxruntime loop"
    if own is None or bare is None:
        return Aim(wanted, "", None)
    ratio = bare.windows_per_second / own.windows_per_second
    return Aim(wanted, f"{100 * (ratio - 1):+.0f} %", ratio <= MOST_ABOVE_BARE)


def _times(wanted: str, fast: Measured | None, slow: Measured | None, least: float) -> Aim:
    if fast is None or slow is None:
        return Aim(wanted, "", None)
    ratio = fast.articles_per_second / slow.articles_per_second
    return Aim(wanted, f"{ratio:.2f} times", ratio >= least)


def _gated(name: str, rows: Mapping[str, Measured], threshold: float) -> tuple[Aim, Aim]:
    faster = f"({name}) at least 10 times as fast as (a)"
    return (
        _times(faster, rows.get(name), rows.get("a"), GATED_TO_BY_HAND),
        _flags_kept(name, rows.get(name), rows.get("c"), threshold),
    )


def _flags_kept(name: str, gated: Measured | None, full: Measured | None, threshold: float) -> Aim:
    wanted = f"({name}) keeps at least 99.5 % of the flags of (c)"
    found = None if gated is None or full is None else agreement(gated.scores, full.scores, threshold)
    if found is None or not found.flags:
        return Aim(wanted, "", None)
    return Aim(wanted, f"{found.kept} of {found.flags}", found.kept / found.flags >= FLAGS_KEPT)


def _flat(sizes: Sequence[Measured]) -> Aim:
    wanted = "memory is flat: at most 10 % more in the largest run than in the one before"
    if len(sizes) < 2:
        return Aim(wanted, "", None)
    before, last = sizes[-2:]
    growth = last.megabytes / before.megabytes
    found = f"{100 * (growth - 1):+.1f} % from {before.articles:,} to {last.articles:,} articles"
    return Aim(wanted, found, growth <= MEMORY_GROWTH)


def _linear(sizes: Sequence[Measured]) -> Aim:
    low, high = TIME_EXPONENT
    wanted = f"time is linear: it grows as the number of articles to the power {low} to {high}"
    if len(sizes) < 2:
        return Aim(wanted, "", None)
    slope = linear_regression([log(one.articles) for one in sizes], [log(one.seconds) for one in sizes]).slope
    return Aim(wanted, f"power {slope:.2f}", low <= slope <= high)
