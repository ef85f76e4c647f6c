"""Gold labels beside verdicts, as arrays that metrics are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.evidence import Overlap, overlap_of
from fimiscope.evaluation.resampling import sampling_units
from fimiscope.evaluation.weighted import Bools, Floats
from fimiscope.records import Verdict

LIKELY = 0.5
"""Probability from which an actor or Africa counts as given."""

HEADS = ("role", "actors", "narratives", "africa")


@dataclass(frozen=True, slots=True)
class Classes:
    """One head, class by class: gold and given of shape (articles, classes); `known`, of shape (articles,), says
    which articles are labelled, in a head that the verdicts speak of."""

    codes: tuple[str, ...]
    gold: Bools
    known: Bools
    given: Bools

    def take(self, rows: npt.NDArray[np.int64]) -> Classes:
        return Classes(self.codes, self.gold[rows], self.known[rows], self.given[rows])


@dataclass(frozen=True, slots=True)
class Judged:
    """One model's verdicts on labelled articles. All arrays have one row an article.

    An article that failed counts as role `none` and clear; one that the model abstained from counts as clear, with
    its role label, and its flag probability kept for ranking. What no verdict speaks of is not measured.

    Attributes:
        ids, languages, sources: of each article.
        units: of each article; resampling draws units whole.
        heads: by name: `role`, `actors`, `narratives`, `africa`.
        flag, flag_known: gold flag, and whether the labels decide it.
        flag_given, flag_probability, abstained, failed: the verdict's.
        narrative_probability: shape (articles, codes).
        evidence: shape (articles, 4), the fields of `Overlap`; NaN where no evidence is annotated.
    """

    ids: tuple[str, ...]
    languages: tuple[str, ...]
    sources: tuple[str, ...]
    units: tuple[str, ...]
    heads: dict[str, Classes]
    flag: Bools
    flag_known: Bools
    flag_given: Bools
    flag_probability: Floats
    abstained: Bools
    failed: Bools
    narrative_probability: Floats
    evidence: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: npt.NDArray[np.int64]) -> Judged:
        """The given rows, in the given order, repeats allowed."""
        fields: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if name == "heads":
                fields[name] = {head: classes.take(rows) for head, classes in value.items()}
            else:
                fields[name] = tuple(value[row] for row in rows) if isinstance(value, tuple) else value[rows]
        return Judged(**fields)

    def with_abstentions_as_none(self) -> Judged:
        """The same with every article that the model abstained from taken for one of role `none`: nobody and nothing
        named, no evidence shown, flag probability 0."""
        left = self.abstained
        heads = {}
        for name, classes in self.heads.items():
            nothing = np.array([name == "role" and code == NO_ROLE for code in classes.codes])
            heads[name] = replace(classes, given=np.where(left[:, None], nothing, classes.given))
        return replace(
            self,
            heads=heads,
            flag_probability=np.where(left, 0.0, self.flag_probability),
            narrative_probability=np.where(left[:, None], 0.0, self.narrative_probability),
            evidence=np.where(left[:, None] & ~np.isnan(self.evidence), 0.0, self.evidence),
        )


def judge(examples: Sequence[Example], verdicts: Sequence[Verdict], codebook: Codebook) -> Judged:
    """Put verdicts beside the labels of the same articles, row by row."""
    rows = list(zip(examples, verdicts, strict=True))
    gold_flags = [codebook.flagged(example.labels) for example in examples]
    flag_spoken = _spoken(verdicts, "flag_probability")
    overlaps = [overlap_of(*row) for row in rows] if _spoken(verdicts, "evidence") else [None] * len(rows)
    return Judged(
        ids=tuple(example.article.id for example in examples),
        languages=tuple(example.article.language or verdict.language or "unknown" for example, verdict in rows),
        sources=tuple(example.source for example in examples),
        units=sampling_units(examples),
        heads=_heads(examples, verdicts, codebook),
        flag=np.array([bool(flag) for flag in gold_flags], dtype=bool),
        flag_known=np.array([flag is not None and flag_spoken for flag in gold_flags], dtype=bool),
        flag_given=np.array([v.flag is True for v in verdicts], dtype=bool),
        flag_probability=np.array([v.flag_probability or 0.0 for v in verdicts]),
        abstained=np.array([v.status == "abstained" for v in verdicts], dtype=bool),
        failed=np.array([v.status == "failed" for v in verdicts], dtype=bool),
        narrative_probability=np.array(
            [[(v.narratives or {}).get(code, 0.0) for code in codebook.narrative_codes] for v in verdicts]
        ).reshape(-1, len(codebook.narrative_codes)),
        evidence=evidence_array(overlaps),
    )


def evidence_array(overlaps: Sequence[Overlap | None]) -> Floats:
    """`Judged.evidence` of the given overlaps."""
    width = len(fields(Overlap))
    rows = [(np.nan,) * width if one is None else astuple(one) for one in overlaps]
    return np.array(rows, dtype=np.float64).reshape(-1, width)


def _heads(examples: Sequence[Example], verdicts: Sequence[Verdict], codebook: Codebook) -> dict[str, Classes]:
    roles, actors, narratives = codebook.role_codes, codebook.actor_codes, codebook.narrative_codes
    given = {
        "role": [[(v.role_label or NO_ROLE) == code for code in roles] for v in verdicts],
        "actors": [[(v.actors or {}).get(code, 0.0) >= LIKELY for code in actors] for v in verdicts],
        "narratives": [[code in (v.narratives_flagged or ()) for code in narratives] for v in verdicts],
        "africa": [[(v.africa or 0.0) >= LIKELY] for v in verdicts],
    }
    gold = {
        "role": [[e.labels.role == code for code in roles] for e in examples],
        "actors": [[code in (e.labels.actors or ()) for code in actors] for e in examples],
        "narratives": [[code in (e.labels.narratives or ()) for code in narratives] for e in examples],
        "africa": [[bool(e.labels.africa)] for e in examples],
    }
    codes = {"role": roles, "actors": actors, "narratives": narratives, "africa": ("africa",)}
    said = {"role": "role_label", "actors": "actors", "narratives": "narratives_flagged", "africa": "africa"}
    return {
        head: Classes(
            codes[head],
            np.array(gold[head], dtype=bool).reshape(-1, len(codes[head])),
            np.array([getattr(e.labels, head) is not None for e in examples], dtype=bool)
            & _spoken(verdicts, said[head]),
            np.array(given[head], dtype=bool).reshape(-1, len(codes[head])),
        )
        for head in HEADS
    }


def _spoken(verdicts: Sequence[Verdict], field: str) -> bool:
    """Whether any verdict has this field; where all have failed nothing was left out on purpose."""
    read = [verdict for verdict in verdicts if verdict.status != "failed"]
    return not read or any(getattr(verdict, field) is not None for verdict in read)
