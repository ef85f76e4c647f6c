"""The decisions that were wrong and most confident: what to read first when asking why a model errs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.predict.passages import Passage, Piece, marked
from fimiscope.records import Evidence, Labels, Verdict
from fimiscope.tables import Cell, Table

MOST = 30
ANNOTATED = "annotated"
"""Head of the pieces of a window that are annotated evidence."""
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of an article that the model shows as evidence or that is annotated as such.

    Attributes:
        pieces: its words, cut where evidence begins and ends; empty where texts are not to be shown.
    """

    field: Literal["text", "title"]
    start: int
    end: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A decided text with a wrong role or flag.

    Attributes:
        loss: cross-entropy of the wrong decision, in nats; the greater one where role and flag are wrong, and 0
            for a role given without a probability.
        gold_flag: `None` where the labels do not decide it.
        wrong: `role`, `flag` or both.
        windows: the evidence, in order.
    """

    example: Example
    verdict: Verdict
    gold_flag: bool | None
    loss: float
    wrong: tuple[str, ...]
    windows: tuple[Window, ...]


def worst_mistakes(
    examples: Sequence[Example], verdicts: Sequence[Verdict], codebook: Codebook, *, texts: bool
) -> tuple[Mistake, ...]:
    """The `MOST` wrong decisions of greatest loss; their windows hold words only with `texts`.

    What the model abstained from or could not read is no decision.
    """
    found = [
        mistake
        for example, verdict in zip(examples, verdicts, strict=True)
        if verdict.status == "scored" and (mistake := _mistake(example, verdict, codebook, texts=texts))
    ]
    return tuple(sorted(found, key=lambda one: (-one.loss, one.example.article.id))[:MOST])


def mistake_table(mistakes: Sequence[Mistake]) -> Table:
    """One row a mistake; the last column holds the words of its windows, where they may be shown."""
    rows: list[tuple[Cell, ...]] = []
    for one in mistakes:
        gold, verdict = one.example.labels, one.verdict
        rows.append(
            (
                *(one.example.article.id, one.example.source, one.example.article.language or "unknown"),
                *(" and ".join(one.wrong), round(one.loss, 2)),
                *(_or_dash(gold.role), _or_dash(verdict.role_label)),
                *(_yes_or_no(one.gold_flag), _yes_or_no(verdict.flag), _or_dash(verdict.flag_probability)),
                *(_listed(gold.narratives), _listed(verdict.narratives_flagged)),
                " … ".join(text for window in one.windows if (text := "".join(p.text for p in window.pieces))),
            )
        )
    columns = (
        *("id", "source", "language", "wrong", "loss", "gold role", "given role", "gold flag", "given flag"),
        *("flag probability", "gold narratives", "given narratives", "evidence"),
    )
    return Table(f"The {len(rows)} most confident wrong decisions", columns, tuple(rows))


def _mistake(example: Example, verdict: Verdict, codebook: Codebook, *, texts: bool) -> Mistake | None:
    losses = {}
    role, flag = example.labels.role, codebook.flagged(example.labels)
    if role is not None and verdict.role_label is not None and verdict.role_label != role:
        losses["role"] = _loss(verdict.role.get(role, 0.0)) if verdict.role else 0.0
    if flag is not None and verdict.flag_probability is not None and (verdict.flag is True) is not flag:
        losses["flag"] = _loss(verdict.flag_probability if flag else 1 - verdict.flag_probability)
    if not losses:
        return None
    windows = _windows(example, verdict, texts=texts)
    return Mistake(example, verdict, flag, max(losses.values()), tuple(losses), windows)


def _loss(probability: float) -> float:
    return -log(max(probability, _LEAST_PROBABILITY))


def _windows(example: Example, verdict: Verdict, *, texts: bool) -> tuple[Window, ...]:
    """The spans of evidence and no words around them; spans that overlap are one window."""
    article = example.article
    evidence = [*(verdict.evidence or ()), *_annotated(example.labels, article.text)]
    fields: dict[Literal["title", "text"], str] = {"title": article.title or "", "text": article.text}
    found = []
    for field, text in fields.items():
        own = sorted((one for one in evidence if one.field == field), key=lambda one: one.start)
        spans: list[tuple[int, int]] = []
        for one in own:
            if spans and one.start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], one.end))
            else:
                spans.append((one.start, one.end))
        for start, end in spans:
            pieces = marked(Passage(field, start, text[start:end]), own) if texts else ()
            found.append(Window(field, start, end, pieces))
    return tuple(found)


def _annotated(labels: Labels, text: str) -> list[Evidence]:
    return [Evidence(s.start, s.end, text[s.start : s.end], ANNOTATED, 1.0) for s in labels.evidence or ()]


def _or_dash(value: Cell | None) -> Cell:
    return "–" if value is None else value


def _yes_or_no(value: bool | None) -> str:
    return "–" if value is None else "yes" if value else "no"


def _listed(codes: Sequence[str] | None) -> str:
    return ", ".join(codes or ()) or "–"
