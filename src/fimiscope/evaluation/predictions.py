"""Labelled verdicts as plain rows, so that every logged figure can be computed again from what was logged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.evidence import Overlap, overlap_of
from fimiscope.evaluation.judged import Judged, evidence_array, judge
from fimiscope.records import Article, Evidence, Labels, Span, Verdict


def to_rows(examples: Sequence[Example], verdicts: Sequence[Verdict], *, texts: bool) -> list[dict[str, Any]]:
    """One flat row an article: gold labels, what the model said, and the evidence (its words only with `texts`)."""
    return [_row(example, verdict, texts) for example, verdict in zip(examples, verdicts, strict=True)]


def from_rows(rows: Iterable[dict[str, Any]], codebook: Codebook) -> Judged:
    """The verdicts beside the labels, enough to compute every figure though the texts are not there."""
    rows = list(rows)
    judged = judge([_example(row) for row in rows], [_verdict(row) for row in rows], codebook)
    overlaps = [_load(row["evidence_overlap"]) for row in rows]
    logged = evidence_array([None if one is None else Overlap(**one) for one in overlaps])
    return replace(judged, evidence=np.where(np.isnan(judged.evidence), np.nan, logged))


def _row(example: Example, verdict: Verdict, texts: bool) -> dict[str, Any]:
    labels = example.labels
    overlap = overlap_of(example, verdict)
    evidence = [
        {"start": e.start, "end": e.end, "field": e.field, "head": e.head, "score": e.score}
        | ({"text": e.text} if texts else {})
        for e in verdict.evidence or ()
    ]
    return {
        "id": example.article.id,
        "source": example.source,
        "group": example.group,
        "language": example.article.language,
        "outlet": example.article.outlet,
        "published": example.article.published,
        "gold_role": labels.role,
        "gold_actors": _dump(labels.actors),
        "gold_narratives": _dump(labels.narratives),
        "gold_africa": _dump(labels.africa),
        "gold_evidence": _dump(None if labels.evidence is None else [[s.start, s.end] for s in labels.evidence]),
        "status": verdict.status,
        "reason": verdict.reason,
        "flag": _dump(verdict.flag),
        "flag_probability": verdict.flag_probability,
        "role_label": verdict.role_label,
        "role": _dump(verdict.role),
        "actors": _dump(verdict.actors),
        "narratives": _dump(verdict.narratives),
        "narratives_flagged": _dump(verdict.narratives_flagged),
        "africa": verdict.africa,
        "evidence": None if verdict.evidence is None else _dump(evidence),
        "evidence_overlap": None if overlap is None else _dump(asdict(overlap)),
        "language_found": verdict.language,
    }


def _example(row: dict[str, Any]) -> Example:
    evidence = _load(row["gold_evidence"])
    labels = Labels(
        role=row["gold_role"],
        actors=_tuple(row["gold_actors"]),
        narratives=_tuple(row["gold_narratives"]),
        africa=_load(row["gold_africa"]),
        evidence=None if evidence is None else tuple(Span(start, end) for start, end in evidence),
    )
    known = {name: row[name] for name in ("language", "outlet", "published")}
    article = Article(id=row["id"], text="", **known)
    return Example(article, labels, row["source"], "test", row["group"], 0, 1.0)


def _verdict(row: dict[str, Any]) -> Verdict:
    evidence = _load(row["evidence"])
    return Verdict(
        id=row["id"],
        status=row["status"],
        reason=row["reason"],
        flag=_load(row["flag"]),
        flag_probability=row["flag_probability"],
        role=_load(row["role"]),
        role_label=row["role_label"],
        actors=_load(row["actors"]),
        narratives=_load(row["narratives"]),
        narratives_flagged=_tuple(row["narratives_flagged"]),
        africa=row["africa"],
        evidence=None if evidence is None else tuple(Evidence(**{"text": "", **piece}) for piece in evidence),
        language=row["language_found"],
    )


def _dump(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _load(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _tuple(value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(json.loads(value))
