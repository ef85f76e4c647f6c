"""The mean of figures over several models: the folds or the seeds of one config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of one figure over the models that have it.

    Attributes:
        deviation: standard deviation of these models (n - 1); `None` of a single one.
        count: how many models have the figure.
    """

    value: float
    deviation: float | None
    count: int

    def __str__(self) -> str:
        return f"{self.value:.2f}" + ("" if self.deviation is None else f" ± {self.deviation:.2f}")


def means(models: Sequence[Mapping[str, float]]) -> dict[str, Mean]:
    """The mean of each figure that any of the models has, under its own name."""
    columns = {
        name: [figures[name] for figures in models if name in figures]
        for name in dict.fromkeys(name for figures in models for name in figures)
    }
    return {
        name: Mean(fmean(values), stdev(values) if len(values) > 1 else None, len(values))
        for name, values in columns.items()
    }
