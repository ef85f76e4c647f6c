"""Whether a challenger may take a champion's place: rules on the same held-out texts and the same contrast suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from fimiscope.config import Section, validated
from fimiscope.errors import ConfigError
from fimiscope.evaluation.contrast import share_differences
from fimiscope.evaluation.intervals import Difference, Interval, differences
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.metrics import Metrics
from fimiscope.shipped import shipped
from fimiscope.tables import Table
from fimiscope.yaml_files import read_yaml

CONTRAST = "contrast/"
_LANGUAGE = "language/"
_FIRST_CHAMPION = "there is no champion to compare with"


class Rule(Section):
    """One figure and one bound on it."""

    figure: str = Field(min_length=1, description="name of the figure; contrast/<kind> on the contrast suite")
    gain: float | None = Field(default=None, description="least difference, challenger minus champion")
    not_worse_by: float | None = Field(
        default=None, ge=0, description="most that the lower bound of the difference's 95 % interval may lie below 0"
    )
    at_least: float | None = Field(default=None, description="lowest figure of the challenger")
    at_most: float | None = Field(default=None, description="highest figure of the challenger")

    @model_validator(mode="after")
    def _one_bound(self) -> Rule:
        if len(self._bounds()) != 1:
            raise ValueError("give one bound: gain, not_worse_by, at_least or at_most")
        return self

    def __str__(self) -> str:
        [(name, bound)] = self._bounds().items()
        return f"{self.figure} {name.replace('_', ' ')} {bound:g}"

    @property
    def compares(self) -> bool:
        """Whether the rule asks for a difference from the champion."""
        return self.gain is not None or self.not_worse_by is not None

    def _bounds(self) -> dict[str, float]:
        bounds = {name: getattr(self, name) for name in ("gain", "not_worse_by", "at_least", "at_most")}
        return {name: bound for name, bound in bounds.items() if bound is not None}


class Rules(Section):
    """What a challenger must show."""

    rules: tuple[Rule, ...] = Field(min_length=1)

    @classmethod
    def load(cls, path: Path | None = None) -> Rules:
        """Read rules from a file; the shipped ones where none is named.

        Raises:
            ConfigError: names every unknown key and impossible value, with its place.
        """
        source = path or shipped("promotion.yaml")
        return validated(cls, read_yaml(source, "rules", ConfigError), f"rules {source}")


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of one model.

    Attributes:
        figures: by name, those of the contrast suite as `contrast/<kind>`.
        judged: its verdicts on the held-out texts.
        suite: digest of the contrast suite; empty where the model was not measured on it.
        contrast: what became of each of its texts, as `Contrast.to_dict` tells it.
    """

    figures: Metrics
    judged: Judged
    suite: str
    contrast: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one rule.

    Attributes:
        challenger, champion: their figures; `None` where not measured.
        difference: challenger minus champion with its paired 95 % interval, where the rule asks for one.
        passed: `None` where the rule was not asked, because there is no champion.
        reason: why the rule was not passed or not asked; empty where it was passed.
    """

    rule: Rule
    challenger: float | None
    champion: float | None
    difference: Interval | None
    passed: bool | None
    reason: str

    def __str__(self) -> str:
        found = self.difference or self.challenger
        if found is None:
            return f"{self.rule}: {self.reason}"
        return f"{self.rule}: {_cell(found)}" + (f" ({self.reason})" if self.reason else "")

    def to_dict(self) -> dict[str, Any]:
        difference = None if self.difference is None else self.difference.to_dict()
        return asdict(self) | {"rule": self.rule.model_dump(exclude_none=True), "difference": difference}


def compare(rules: Rules, challenger: Measured, champion: Measured | None) -> tuple[Finding, ...]:
    """One finding a rule, in their order.

    Raises:
        CorpusError: the two judged different texts.
    """
    paired = {} if champion is None else _differences(rules, challenger, champion)
    return tuple(_finding(rule, challenger, champion, paired.get(rule.figure)) for rule in rules.rules)


def holds(findings: Sequence[Finding]) -> bool:
    """Whether every rule that was asked is passed."""
    return all(finding.passed is not False for finding in findings)


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row a rule."""
    said = {True: "yes", False: "no", None: "not asked"}
    rows = tuple(
        (str(one.rule), *map(_cell, (one.challenger, one.champion, one.difference)), said[one.passed], one.reason)
        for one in findings
    )
    columns = ("rule", "challenger", "champion", "difference [95 % interval]", "passed", "why not")
    return Table("Rules of promotion", columns, rows)


def _finding(rule: Rule, challenger: Measured, champion: Measured | None, difference: Difference | None) -> Finding:
    value = challenger.figures.get(rule.figure)
    before = None if champion is None else champion.figures.get(rule.figure)
    interval = difference.interval if difference is not None and rule.compares else None
    if rule.compares and champion is None:
        return Finding(rule, value, before, None, None, _FIRST_CHAMPION)
    reason = _failure(rule, interval) if rule.compares else _failure_alone(rule, value)
    return Finding(rule, value, before, interval, not reason, reason)


def _failure(rule: Rule, found: Interval | None) -> str:
    """Why a difference is not enough; empty where it is."""
    if found is None or np.isnan(found.value):
        return "not measured in both on the same texts"
    if rule.gain is not None:
        return "" if found.value >= rule.gain else f"the difference is below {rule.gain:+g}"
    assert rule.not_worse_by is not None
    if not found.bounded:
        return "the texts hang together in too few units for an interval"
    return "" if found.low >= -rule.not_worse_by else f"the interval reaches below {-rule.not_worse_by:+g}"


def _failure_alone(rule: Rule, value: float | None) -> str:
    if value is None:
        return "not measured"
    if rule.at_least is not None:
        return "" if value >= rule.at_least else f"below {rule.at_least:g}"
    assert rule.at_most is not None
    return "" if value <= rule.at_most else f"above {rule.at_most:g}"


def _differences(rules: Rules, challenger: Measured, champion: Measured) -> dict[str, Difference]:
    """Paired differences of the figures that rules compare."""
    wanted = {rule.figure for rule in rules.rules if rule.compares}
    mine, theirs = challenger.judged, champion.judged
    found = differences(mine, theirs)
    if any(name.startswith(CONTRAST) for name in wanted) and challenger.suite == champion.suite != "":
        shares = share_differences(challenger.contrast, champion.contrast)
        found |= {f"{CONTRAST}{name}": difference for name, difference in shares.items()}
    for language in {name.split("/")[1] for name in wanted if name.startswith(_LANGUAGE)}:
        rows = np.flatnonzero(np.array(mine.languages) == language)
        within = differences(mine.take(rows), theirs.take(rows))
        found |= {f"{_LANGUAGE}{language}/{name}": difference for name, difference in within.items()}
    return found


def _cell(value: float | Interval | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return value.shown("+.3f")
