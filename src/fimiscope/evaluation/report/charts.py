"""Curves placed on a drawing surface; `page.html` draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from fimiscope.evaluation.curves import WATCHED, Bin, EpochFigures, Point, PrecisionRecall

WIDTH, HEIGHT = 360, 290
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 42
_UNIT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from the first tick to the last, along one side of the chart."""

    title: str
    ticks: tuple[float, ...]
    side: Literal["x", "y"]

    def place(self, value: float) -> float:
        """Where a value stands, in the chart's units."""
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        if self.side == "x":
            return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through places on the chart, with dots at them where they are few; `style` is a class of `page.css`."""

    title: str
    style: str
    places: tuple[Point, ...]
    dots: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of `WIDTH` by `HEIGHT` units; `description` says in words what it shows."""

    name: str
    title: str
    description: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


def unit_axes() -> tuple[Axis, Axis]:
    """Recall and precision, each from 0 to 1."""
    return Axis("recall", _UNIT, "x"), Axis("precision", _UNIT, "y")


def precision_recall_chart(curve: PrecisionRecall) -> Chart:
    x, y = unit_axes()
    points = [(0.0, curve.points[0][1]), *curve.points]
    # The precision of a stretch of recall is that of its right end, as in average precision.
    corners = [place for (before, _), (at, height) in pairwise(points) for place in ((before, height), (at, height))]
    recall, precision = curve.in_use
    return Chart(
        "precision-recall",
        "Precision and recall of the flag",
        f"With the threshold in use precision is {precision:.2f} and recall {recall:.2f}. "
        f"Flagging every text would have precision {curve.share:.2f}.",
        x,
        y,
        (
            _line("flagging every text", "guide", [(0, curve.share), (1, curve.share)], x, y),
            _line("over all thresholds", "first", corners, x, y),
            Line("threshold in use", "first", (), ((x.place(recall), y.place(precision)),)),
        ),
    )


def reliability_chart(bins: Sequence[Bin]) -> Chart:
    x, y = Axis("stated probability", _UNIT, "x"), Axis("share flagged in truth", _UNIT, "y")
    furthest = max(bins, key=lambda one: abs(one.flagged / one.texts - one.stated))
    return Chart(
        "reliability",
        "Reliability of the flag's probability",
        f"{len(bins)} bins of equal size. Furthest from the diagonal: where {furthest.stated:.2f} is stated, "
        f"{furthest.flagged} of {furthest.texts} texts are flagged in truth.",
        x,
        y,
        (
            _line("what is stated holds", "guide", [(0, 0), (1, 1)], x, y),
            _line("this model", "first", [(b.stated, b.flagged / b.texts) for b in bins], x, y, dots=True),
        ),
    )


def learning_charts(epochs: Sequence[EpochFigures]) -> tuple[Chart, ...]:
    """Losses, and the watched figures of the validation part."""
    numbers = [epoch.number for epoch in epochs]
    x = Axis("epoch", _ticks(min(numbers), max(numbers), whole=True), "x")
    losses = {"train": [e.train_loss for e in epochs], "valid": [e.valid_loss for e in epochs]}
    every = [value for values in losses.values() for value in values]
    y = Axis("loss", _ticks(min(every), max(every)), "y")
    best = min(epochs, key=lambda epoch: epoch.valid_loss)
    loss = Chart(
        "loss",
        "Loss by epoch",
        f"The loss on the validation part is lowest in epoch {best.number:g}: {best.valid_loss:.3f}.",
        x,
        y,
        tuple(
            _line(name, style, list(zip(numbers, values, strict=True)), x, y, dots=True)
            for style, (name, values) in zip(("second", "first"), losses.items(), strict=True)
        ),
    )
    unit = Axis("figure", _UNIT, "y")
    lines, last = [], []
    for style, (name, title) in zip(("first", "second", "third"), WATCHED.items(), strict=True):
        points = [(epoch.number, epoch.figures[name]) for epoch in epochs if name in epoch.figures]
        if points:
            lines.append(_line(title, style, points, x, unit, dots=True))
            last.append(f"{title} {points[-1][1]:.2f}")
    described = f"After the last epoch: {', '.join(last)}." if last else "No figure could be measured."
    return (loss, Chart("figures", "Figures of the validation part by epoch", described, x, unit, tuple(lines)))


def _line(title: str, style: str, points: Sequence[Point], x: Axis, y: Axis, *, dots: bool = False) -> Line:
    places = tuple((x.place(one), y.place(other)) for one, other in points)
    return Line(title, style, places, places if dots else ())


def _ticks(low: float, high: float, *, whole: bool = False) -> tuple[float, ...]:
    """Round numbers, at least two, of which the first and last enclose the values."""
    from matplotlib.ticker import MaxNLocator

    if low == high:
        low, high = low - 0.5, high + 0.5
    ticks = MaxNLocator(_TICKS, integer=whole).tick_values(low, high)
    return tuple(round(float(tick), 6) for tick in ticks)
