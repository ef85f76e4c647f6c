"""Figures of a benchmark run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from benchmark.results import Measured
from benchmark.table import ABOUT


def speed(rows: Mapping[str, Measured]) -> Figure:
    """Articles a second of every row."""
    figure = Figure(figsize=(7.5, 0.6 + 0.45 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    names = [name for name in ABOUT if name in rows]
    values = [rows[name].articles_per_second for name in names]
    bars = axes.barh([ABOUT[name].replace("`", "") for name in names], values)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("articles a second")
    return figure


def growth(sizes: Sequence[Measured]) -> Figure:
    """Time and memory against the number of articles."""
    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    articles = [one.articles for one in sizes]
    time, memory = figure.subplots(1, 2)
    time.loglog(articles, [one.seconds for one in sizes], "o-", label="measured")
    per_article = sizes[-1].seconds / sizes[-1].articles
    time.loglog(articles, [per_article * count for count in articles], ":", color="grey", label="linear")
    time.set(xlabel="articles", ylabel="seconds", title="Time")
    time.legend()
    memory.semilogx(articles, [one.megabytes for one in sizes], "o-")
    memory.set(xlabel="articles", ylabel="peak memory, MB", title="Memory")
    memory.set_ylim(bottom=0)
    for axes in (time, memory):
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure
