"""Figures that show where a model stands: confusion of roles, precision against recall, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fimiscope.evaluation.calibration import CALIBRATION_BINS
from fimiscope.evaluation.intervals import Interval
from fimiscope.evaluation.judged import Judged

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(judged: Judged) -> Figure:
    """Gold roles against given roles, in counts."""
    classes = judged.heads["role"]
    roles = classes.codes
    counts = classes.gold[classes.known].T.astype(int) @ classes.given[classes.known].astype(int)
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
    from sklearn.metrics import precision_recall_curve

    known = judged.flag_known
    gold, given = judged.flag[known], judged.flag_given[known]
    figure = _figure(4.6, 4.0)
    axes = figure.add_subplot()
    if gold.any():
        precision, recall, _ = precision_recall_curve(gold, judged.flag_probability[known])
        axes.step(recall, precision, where="post")
        hits = (gold & given).sum()
        axes.plot(hits / gold.sum(), hits / max(1, given.sum()), "o", label="threshold in use")
        axes.axhline(gold.mean(), linestyle=":", color="grey", label="share of flagged texts")
        axes.legend()
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title="Flag")
    return figure


def reliability(judged: Judged) -> Figure:
    """Stated flag probability against the share that is flagged in truth, over bins of equal size."""
    known = judged.flag_known
    gold, probability = judged.flag[known], judged.flag_probability[known]
    figure = _figure(4.6, 4.0)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    if len(gold):
        bins = [part for part in np.array_split(np.argsort(probability), min(CALIBRATION_BINS, len(gold))) if len(part)]
        axes.plot([probability[part].mean() for part in bins], [gold[part].mean() for part in bins], "o-")
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="stated probability", ylabel="share flagged", title="Reliability of the flag"
    )
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
