"""Figures that show where a model stands: confusion of roles, precision against recall, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fimiscope.evaluation.curves import WATCHED, EpochFigures, precision_recall_curve, reliability_bins
from fimiscope.evaluation.heads import role_confusion
from fimiscope.evaluation.intervals import Interval
from fimiscope.evaluation.judged import Judged

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(judged: Judged) -> Figure:
    """Gold roles against given roles, in counts."""
    roles = judged.heads["role"].codes
    counts = role_confusion(judged)
    figure = _figure(4.6, 4.2)
    axes = figure.add_subplot()
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = count / max(1, counts[row].sum())
        axes.text(column, row, str(count), ha="center", va="center", color="white" if share > 0.5 else "black")
    axes.set_xticks(range(len(roles)), roles)
    axes.set_yticks(range(len(roles)), roles)
    axes.set(xlabel="given role", ylabel="gold role", title="Roles")
    return figure


def precision_recall(judged: Judged) -> Figure:
    """Precision against recall of the flag over all thresholds, and the point of the threshold in use."""
    curve = precision_recall_curve(judged)
    figure = _figure(4.6, 4.0)
    axes = figure.add_subplot()
    if curve:
        axes.step(*zip((0.0, curve.points[0][1]), *curve.points, strict=True), where="pre")
        axes.plot(*curve.in_use, "o", label="threshold in use")
        axes.axhline(curve.share, linestyle=":", color="grey", label="share of flagged texts")
        axes.legend()
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title="Flag")
    return figure


def reliability(judged: Judged) -> Figure:
    """Stated flag probability against the share that is flagged in truth, over bins of equal size."""
    bins = reliability_bins(judged)
    figure = _figure(4.6, 4.0)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.plot([one.stated for one in bins], [one.flagged / one.texts for one in bins], "o-")
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="stated probability", ylabel="share flagged", title="Reliability of the flag"
    )
    return figure


def training_curve(epochs: Sequence[EpochFigures]) -> Figure:
    """Losses, and figures of the validation part, by epoch."""
    numbers = [epoch.number for epoch in epochs]
    figure = _figure(8.4, 3.6)
    losses, figures = figure.subplots(1, 2)
    losses.plot(numbers, [epoch.train_loss for epoch in epochs], "o-", label="train")
    losses.plot(numbers, [epoch.valid_loss for epoch in epochs], "o-", label="valid")
    losses.set(xlabel="epoch", ylabel="loss", title="Loss", xticks=numbers)
    losses.legend()
    for name, title in WATCHED.items():
        figures.plot(numbers, [epoch.figures.get(name, np.nan) for epoch in epochs], "o-", label=title)
    figures.set(ylim=(0, 1.02), xlabel="epoch", title="Validation part", xticks=numbers)
    figures.legend()
    return figure


def trade_off(lost: Sequence[float], cleared: Sequence[float], most_lost: float) -> Figure:
    """Share of texts that a gate clears against the upper bound of the flags that it loses, over its thresholds."""
    figure = _figure(4.6, 4.0)
    axes = figure.add_subplot()
    axes.plot(lost, cleared, "o-")
    axes.axvline(most_lost, linestyle=":", color="grey", label="most that may be lost")
    axes.legend()
    axes.set(xscale="log", ylim=(0, 1), xlabel="flags lost (95 % upper bound)", ylabel="texts cleared", title="Gate")
    return figure


def learning_curve(points: Mapping[int, Mapping[str, Interval]], titles: Mapping[str, str]) -> Figure:
    """Figures with their intervals against the number of texts learned from, on a logarithmic scale."""
    figure = _figure(6.4, 4.2)
    axes = figure.add_subplot()
    for name, title in titles.items():
        found = {texts: own[name] for texts, own in points.items() if name in own}
        if found:
            [line] = axes.plot(list(found), [one.value for one in found.values()], "o-", label=title)
            low, high = [one.low for one in found.values()], [one.high for one in found.values()]
            axes.fill_between(list(found), low, high, color=line.get_color(), alpha=0.12)
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="training texts", ylabel="figure", title="Learning curve")
    axes.set_xticks(list(points), [str(texts) for texts in points])
    axes.minorticks_off()
    axes.legend(fontsize="small")
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
