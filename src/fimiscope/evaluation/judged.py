"""Gold labels beside verdicts, as arrays that metrics are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.corpus import Example
from fimiscope.records import Verdict

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LIKELY = 0.5
"""Probability from which an actor or Africa counts as given."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One model's verdicts on labelled articles. All arrays have one row an article.

    An article that failed counts as role `none` and clear; one that the model abstained from counts as clear, with
    its flag probability kept for ranking. Gold values are only meaningful where the article is labelled (`…_known`).

    Attributes:
        ids, languages, groups, sources: of each article; resampling keeps groups whole.
        role, role_known: gold role as index into the codebook's roles.
        role_given: the verdict's role label.
        role_probability: shape (articles, roles).
        flag, flag_known: gold flag.
        flag_given, flag_probability, abstained: the verdict's.
        sets: for `actors`, `narratives` and `africa`: gold, known and given, shape (articles, codes).
        narrative_probability: shape (articles, codes).
        evidence_gold: annotated spans of each article; empty where there are none.
        evidence_given: the verdict's strongest span for the role, if any.
    """

    ids: tuple[str, ...]
    languages: tuple[str, ...]
    groups: tuple[str, ...]
    sources: tuple[str, ...]
    role: npt.NDArray[np.int64]
    role_known: Bools
    role_given: npt.NDArray[np.int64]
    role_probability: Floats
    flag: Bools
    flag_known: Bools
    flag_given: Bools
    flag_probability: Floats
    abstained: Bools
    sets: dict[str, tuple[Bools, Bools, Bools]]
    narrative_probability: Floats
    evidence_gold: tuple[tuple[tuple[int, int], ...], ...]
    evidence_given: tuple[tuple[int, int] | None, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: npt.NDArray[np.int64]) -> Judged:
        """The given rows, in the given order, repeats allowed."""

        def pick(values: tuple[object, ...]) -> tuple[object, ...]:
            return tuple(values[row] for row in rows)

        fields: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if name == "sets":
                fields[name] = {key: (a[rows], b[rows], c[rows]) for key, (a, b, c) in value.items()}
            else:
                fields[name] = pick(value) if isinstance(value, tuple) else value[rows]
        return Judged(**fields)


def judge(examples: Sequence[Example], verdicts: Sequence[Verdict], codebook: Codebook) -> Judged:
    """Put verdicts beside the labels of the same articles, row by row."""
    roles = codebook.role_codes
    gold_flags = [codebook.flagged(example.labels) for example in examples]
    rows = list(zip(examples, verdicts, strict=True))
    return Judged(
        ids=tuple(example.article.id for example in examples),
        languages=tuple(example.article.language or verdict.language or "unknown" for example, verdict in rows),
        groups=tuple(example.group for example in examples),
        sources=tuple(example.source for example in examples),
        role=np.array([roles.index(e.labels.role or NO_ROLE) for e in examples], dtype=np.int64),
        role_known=np.array([e.labels.role is not None for e in examples], dtype=bool),
        role_given=np.array([roles.index(v.role_label or NO_ROLE) for v in verdicts], dtype=np.int64),
        role_probability=np.array(
            [[(v.role or {NO_ROLE: 1.0}).get(code, 0.0) for code in roles] for v in verdicts]
        ).reshape(-1, len(roles)),
        flag=np.array([bool(flag) for flag in gold_flags], dtype=bool),
        flag_known=np.array([flag is not None for flag in gold_flags], dtype=bool),
        flag_given=np.array([v.flag is True for v in verdicts], dtype=bool),
        flag_probability=np.array([v.flag_probability or 0.0 for v in verdicts]),
        abstained=np.array([v.status == "abstained" for v in verdicts], dtype=bool),
        sets=_sets(examples, verdicts, codebook),
        narrative_probability=np.array(
            [[(v.narratives or {}).get(code, 0.0) for code in codebook.narrative_codes] for v in verdicts]
        ).reshape(-1, len(codebook.narrative_codes)),
        evidence_gold=tuple(tuple((s.start, s.end) for s in e.labels.evidence or ()) for e in examples),
        evidence_given=tuple(_strongest(verdict) for verdict in verdicts),
    )


def _sets(
    examples: Sequence[Example], verdicts: Sequence[Verdict], codebook: Codebook
) -> dict[str, tuple[Bools, Bools, Bools]]:
    actors, narratives = codebook.actor_codes, codebook.narrative_codes
    gold: dict[str, list[tuple[object, list[bool]]]] = {
        "actors": [(e.labels.actors, [c in (e.labels.actors or ()) for c in actors]) for e in examples],
        "narratives": [(e.labels.narratives, [c in (e.labels.narratives or ()) for c in narratives]) for e in examples],
        "africa": [(e.labels.africa, [bool(e.labels.africa)]) for e in examples],
    }
    given: dict[str, list[list[bool]]] = {
        "actors": [[(v.actors or {}).get(c, 0.0) >= LIKELY for c in actors] for v in verdicts],
        "narratives": [[c in (v.narratives_flagged or ()) for c in narratives] for v in verdicts],
        "africa": [[(v.africa or 0.0) >= LIKELY] for v in verdicts],
    }
    widths = {"actors": len(actors), "narratives": len(narratives), "africa": 1}
    return {
        name: (
            np.array([row for _, row in gold[name]], dtype=bool).reshape(-1, width),
            np.array([[label is not None] * width for label, _ in gold[name]], dtype=bool).reshape(-1, width),
            np.array(given[name], dtype=bool).reshape(-1, width),
        )
        for name, width in widths.items()
    }


def _strongest(verdict: Verdict) -> tuple[int, int] | None:
    for evidence in verdict.evidence or ():
        if evidence.head == "role" and evidence.field == "text":
            return evidence.start, evidence.end
    return None
