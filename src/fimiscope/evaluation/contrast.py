"""Pass rates on the contrast suite: does a model read what a text does with a claim, and nothing else?

A text is right when the role that the model gives is the gold one; a model that abstains is taken at that role, and an
article that failed is never right. Where an edit moves another field than the role (`beneficiary`: whose line it is,
`africa`: where it happens), that field must be right too, in the base and in the changed text.

- **Must change**: passed when the changed text and its base are right. The gold labels of the two differ in what is
  asked, so an answer that is always the same passes none.
- **Role right**: of the texts that must change, those whose role is right and that of their base, whatever else the
  edit moves.
- **Must keep**: counted where the base is right, and passed when the kept text is right too.
- **Re-posts** pass when their role is recognised. Of their look-alikes, which are role `none`, those are counted that
  are flagged or get the role of a re-post: fewer is better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.corpus import Example
from fimiscope.errors import CorpusError
from fimiscope.evaluation.evaluate import score
from fimiscope.evaluation.intervals import RESAMPLES, Difference, Interval, difference, wilson
from fimiscope.evaluation.judged import LIKELY
from fimiscope.evaluation.metrics import Metrics
from fimiscope.evaluation.resampling import draws
from fimiscope.evaluation.rules import majority_rule
from fimiscope.evaluation.suite import LOOKALIKE, REPOST, Suite, Variant
from fimiscope.evaluation.weighted import share
from fimiscope.predict import Predictor
from fimiscope.progress import Progress, silent
from fimiscope.records import Verdict
from fimiscope.tables import Cell, Table

_TOTALS = {"change": "must_change", "keep": "must_keep"}
_ROLE_RIGHT, _REPOSTS, _LOOKALIKES = "role_right", "reposts", "lookalikes_flagged"
_TITLES = {
    "base": "right",
    **dict.fromkeys(_TOTALS.values(), "all"),
    _ROLE_RIGHT: "all, by the role alone",
    _REPOSTS: "re-posts recognised",
    _LOOKALIKES: "look-alikes flagged (less is better)",
}
_Field = Literal["role", "actors", "africa"]
_Pair = tuple[Variant, Verdict]
_MOVED: dict[str, _Field] = {"beneficiary": "actors", "africa": "africa"}


@dataclass(frozen=True, slots=True)
class Rate:
    """How many texts of a kind pass.

    Attributes:
        name: the kind, or what is counted: `base`, `swap`, `must_keep`, `reposts` …
        must: `base`, `change` or `keep`; empty for re-posts.
        texts: of this kind in the suite.
        counted: of them; fewer than `texts` where only families with a right base count.
        passed: of those counted. For `lookalikes_flagged`, those wrongly flagged.
    """

    name: str
    must: str
    texts: int
    counted: int
    passed: int

    @property
    def share(self) -> float | None:
        """Passed of counted; `None` where nothing counts."""
        return self.passed / self.counted if self.counted else None

    @property
    def interval(self) -> Interval | None:
        """The share with Wilson's 95 % interval; `None` where nothing counts.

        `None` also for all kinds together: edits of one family stand or fall with one base, so they are no
        independent cases.
        """
        together = self.name in (*_TOTALS.values(), _ROLE_RIGHT)
        return wilson(self.passed, self.counted) if self.counted and not together else None

    def __str__(self) -> str:
        if self.share is None:
            return "–"
        return f"{self.passed}/{self.counted} = {self.interval or format(self.share, '.2f')}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one text.

    Attributes:
        passed: `None` where it does not count.
        fault: what the model got wrong in this text, in a few words; empty where it is right.
        role_right: whether the role is right, here and in the base.
    """

    variant: Variant
    passed: bool | None
    fault: str
    role_right: bool


@dataclass(frozen=True, slots=True)
class Contrast:
    """One model on the suite; `outcomes` stand in the order of the suite's texts."""

    name: str
    outcomes: tuple[Outcome, ...]

    @classmethod
    def of(cls, name: str, suite: Suite, verdicts: Sequence[Verdict], codebook: Codebook) -> Contrast:
        """Judge given verdicts, one for each text of the suite, in its order."""
        pairs = list(zip(suite.variants, verdicts, strict=True))
        bases = {family: pairs[place] for family, place in suite.bases.items()}
        called = {variant.example.labels.role for variant in suite.variants if variant.kind == REPOST}
        outcomes = [
            _lookalike(variant, verdict, called)
            if variant.kind == LOOKALIKE
            else _outcome(variant, verdict, bases.get(variant.family), codebook)
            for variant, verdict in pairs
        ]
        return cls(name, tuple(outcomes))

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(o.variant.family for o in self.outcomes if o.variant.must == "base"))

    def rates(self) -> tuple[Rate, ...]:
        """Bases, each must-change kind and all together, also by the role alone, each must-keep kind and all together,
        re-posts."""
        rates = [_rate("base", "base", self._those("base"))]
        for must, total in _TOTALS.items():
            those = self._those(must)
            for kind in dict.fromkeys(outcome.variant.kind for outcome in those):
                rates.append(_rate(kind, must, [outcome for outcome in those if outcome.variant.kind == kind]))
            rates.append(_rate(total, must, those))
            if must == "change":
                rates.append(replace(rates[-1], name=_ROLE_RIGHT, passed=sum(outcome.role_right for outcome in those)))
        alone = self._those("alone")
        rates.append(_rate(_REPOSTS, "", [outcome for outcome in alone if outcome.variant.kind == REPOST]))
        clear = _rate("", "", [outcome for outcome in alone if outcome.variant.kind == LOOKALIKE])
        rates.append(replace(clear, name=_LOOKALIKES, passed=clear.counted - clear.passed))
        return tuple(rates)

    def metrics(self) -> Metrics:
        """Shares by kind, and as `counted/<kind>` how many texts they rest on.

        A kind of which nothing counts has no share.
        """
        figures: Metrics = {}
        for rate in self.rates():
            if rate.share is not None:
                figures[rate.name] = rate.share
            figures[f"counted/{rate.name}"] = float(rate.counted)
        return figures

    def to_dict(self) -> dict[str, Any]:
        """Every rate with its interval, and what became of every text."""
        return {
            "rates": {
                rate.name: {"texts": rate.texts, "counted": rate.counted, "passed": rate.passed, "share": rate.share}
                | ({"low": found.low, "high": found.high} if (found := rate.interval) else {})
                for rate in self.rates()
            },
            "texts": [
                {"id": o.variant.example.article.id, "family": o.variant.family, "kind": o.variant.kind}
                | {"must": o.variant.must, "passed": o.passed, "fault": o.fault or None}
                for o in self.outcomes
            ],
        }

    def _those(self, must: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.variant.must == must]


def measure(predictor: Predictor, suite: Suite, *, name: str | None = None, progress: Progress = silent) -> Contrast:
    """Score all texts of the suite in one stream, and judge the verdicts."""
    articles = [example.article for example in suite.examples]
    verdicts = score(predictor, articles, stage="contrast suite", progress=progress)
    return Contrast.of(name or predictor.bundle.manifest.name, suite, verdicts, predictor.bundle.codebook)


def constant_rule(suite: Suite, codebook: Codebook, train: Sequence[Example] = ()) -> Contrast:
    """The answer that is always the same: what training texts, or without any those of the suite, mostly are."""
    verdicts = majority_rule(train or suite.examples, suite.examples, codebook)
    always = f"always {verdicts[0].role_label}"
    return Contrast.of(f"majority ({always})" if train else always, suite, verdicts, codebook)


def share_differences(
    first: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Difference]:
    """Pass rates of `first` minus those of `second` where more is better, by name, families drawn whole.

    Both are taken over the texts that count for both: an edit whose base one model misreads says nothing of the other.

    Args:
        first, second: the texts of two models, as `Contrast.to_dict` tells them.

    Raises:
        CorpusError: they are not the texts of one suite.
    """
    texts = [(text["id"], text["family"], text["kind"], text["must"]) for text in first]
    if texts != [(text["id"], text["family"], text["kind"], text["must"]) for text in second]:
        raise CorpusError("two models can be compared on the same contrast suite only")
    passed = [(one["passed"], other["passed"]) for one, other in zip(first, second, strict=True)]
    counted = np.array([None not in pair for pair in passed])
    gains = np.array([float(one is True) - float(other is True) for one, other in passed])
    families = [str(text["family"]) for text in first]
    blocks = [np.ones((1, len(texts))), *draws(families, resamples, seed)]
    found = {}
    for name in dict.fromkeys(name for text in first for name in _rates_of(text)):
        rows = counted & np.array([name in _rates_of(text) for text in first])
        value, *drawn = (share(weights[:, rows] @ gains[rows], weights[:, rows].sum(axis=1)) for weights in blocks)
        units = len({family for family, counts in zip(families, rows, strict=True) if counts})
        found[name] = difference(float(value[0]), np.concatenate(drawn), units)
    return found


def _rates_of(text: Mapping[str, Any]) -> tuple[str, ...]:
    """The rates, of those where more is better, in which a text counts."""
    if text["must"] == "alone":
        return (_REPOSTS,) if text["kind"] == REPOST else ()
    return tuple({text["kind"]: None, _TOTALS.get(text["must"], "base"): None})


def contrast_table(measured: Sequence[Contrast]) -> Table:
    """One row a kind, one column a model: passed of counted, and the rate with its interval."""
    columns = [contrast.rates() for contrast in measured]
    rows: list[tuple[Cell, ...]] = []
    for rates in zip(*columns, strict=True):
        first = rates[0]
        rows.append((first.must, _TITLES.get(first.name, first.name), first.texts, *map(str, rates)))
    title = f"Contrast suite: {len(measured[0].families)} families; passed/counted with 95 % interval (Wilson)"
    return Table(title, ("must", "kind", "texts", *(contrast.name for contrast in measured)), tuple(rows))


def family_table(contrast: Contrast) -> Table:
    """One row a family: what the base was read as, and which edits failed, with what was said instead."""
    rows = []
    for family in contrast.families:
        members = [outcome for outcome in contrast.outcomes if outcome.variant.family == family]
        [base] = [outcome for outcome in members if outcome.variant.must == "base"]
        rows.append(
            (
                family,
                str(base.variant.example.labels.role),
                base.fault or "right",
                _failures([outcome for outcome in members if outcome.variant.must == "change"]),
                _failures([outcome for outcome in members if outcome.variant.must == "keep"]),
            )
        )
    columns = ("family", "gold role", "base", "must change: failed", "must keep: failed")
    return Table(f"Contrast families of {contrast.name}", columns, tuple(rows))


def failing_families(contrast: Contrast) -> Table:
    """The families in which a text fails, those of most failures first."""
    failed = Counter(outcome.variant.family for outcome in contrast.outcomes if outcome.passed is False)
    families = family_table(contrast)
    rows = [(row[0], failed[str(row[0])], *row[1:]) for row in families.rows if failed[str(row[0])]]
    rows.sort(key=lambda row: -int(row[1]))
    title = f"Contrast families of {contrast.name} that fail: {len(rows)} of {len(families.rows)}"
    return Table(title, (families.columns[0], "failed texts", *families.columns[1:]), tuple(rows))


def repost_table(contrast: Contrast) -> Table:
    """One row a re-post or look-alike: whether it passed, and what was said instead."""
    rows = tuple(
        (o.variant.example.article.id, o.variant.kind, str(o.variant.example.labels.role), o.fault or "right")
        for o in contrast.outcomes
        if o.variant.must == "alone"
    )
    return Table(f"Re-posts and look-alikes of {contrast.name}", ("text", "kind", "gold role", "read as"), rows)


def _outcome(variant: Variant, verdict: Verdict, base: _Pair | None, codebook: Codebook) -> Outcome:
    moved = _MOVED.get(variant.kind, "role") if variant.must == "change" else "role"
    fault = _fault(variant, verdict, moved, codebook)
    role_right = not any(_fault(*pair, "role", codebook) for pair in ((variant, verdict), base) if pair)
    if base is None or variant.must == "base":
        return Outcome(variant, not fault, fault, role_right)
    base_fault = _fault(*base, moved, codebook)
    if variant.must == "keep":
        return Outcome(variant, None if base_fault else not fault, fault, role_right)
    if base_fault and not fault:
        fault = "its base" if moved == "role" else f"its base ({base_fault})"
    return Outcome(variant, not fault, fault, role_right)


def _lookalike(variant: Variant, verdict: Verdict, called: Set[str | None]) -> Outcome:
    """Of a look-alike counts whether it is flagged or gets the role of a re-post, `called`."""
    fault = f"{verdict.role_label}" if verdict.role_label in called else "flagged" if verdict.flag is True else ""
    return Outcome(variant, not fault, fault, verdict.role_label == variant.example.labels.role)


def _rate(name: str, must: str, outcomes: Sequence[Outcome]) -> Rate:
    counted = [outcome.passed for outcome in outcomes if outcome.passed is not None]
    return Rate(name, must, len(outcomes), len(counted), sum(counted))


def _failures(outcomes: Sequence[Outcome]) -> str:
    if outcomes and all(outcome.passed is None for outcome in outcomes):
        return "not counted"
    failed = [f"{outcome.variant.kind}: {outcome.fault}" for outcome in outcomes if outcome.passed is False]
    return "; ".join(failed) or "–"


def _fault(variant: Variant, verdict: Verdict, moved: _Field, codebook: Codebook) -> str:
    """What is wrong with a verdict in the role or in the field that the edit moves; empty where nothing is."""
    gold = variant.example.labels
    if verdict.status == "failed":
        return "unreadable"
    if verdict.role_label != gold.role:
        return f"{verdict.role_label}, not {gold.role}"
    if moved == "actors":
        named = _named(verdict, codebook)
        wanted = [code for code in codebook.actor_codes if code in (gold.actors or ())]
        return "" if named == wanted else f"{_listed(named)}, not {_listed(wanted)}"
    if moved == "africa" and ((verdict.africa or 0.0) >= LIKELY) != gold.africa:
        return "Africa overlooked" if gold.africa else "Africa seen"
    return ""


def _named(verdict: Verdict, codebook: Codebook) -> list[str]:
    """Actors that the verdict names: the likely ones, and none beside the role `none`."""
    if verdict.role_label == NO_ROLE:
        return []
    return [code for code in codebook.actor_codes if (verdict.actors or {}).get(code, 0.0) >= LIKELY]


def _listed(codes: Sequence[str]) -> str:
    return " and ".join(codes) or "nobody"
