"""On what the verdict about one article rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fimiscope.predict.predictor import Examined, Predictor
from fimiscope.records import Article, Verdict
from fimiscope.tables import Table

MOST_DEFINITIONS = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict with all that led to it.

    Attributes:
        article: as given.
        verdict: as `predict` gives it.
        threshold: of the flag probability, for the predictor's profile.
        tables: windows, scores of every head, sentences, nearest definitions.
    """

    article: Article
    verdict: Verdict
    threshold: float
    tables: tuple[Table, ...]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as a JSON object."""
        tables = [
            {"title": t.title, "columns": list(t.columns), "rows": [list(row) for row in t.rows]} for t in self.tables
        ]
        return {"verdict": self.verdict.to_dict(), "threshold": self.threshold, "tables": tables}


def explain(predictor: Predictor, article: Article) -> Explanation:
    """Score one article, whatever the gate says of it, and show on what the scores rest."""
    predictor = predictor.without_gate()
    [examined] = predictor.examine([article])
    verdict = predictor.verdict(examined)
    threshold = predictor.threshold
    tables: tuple[Table, ...] = ()
    if examined.scored is not None:
        tables = (
            *_windows(examined),
            _scores(verdict, predictor),
            _sentences(examined),
            _definitions(verdict, predictor),
        )
    return Explanation(article, verdict, threshold, tables)


def _windows(examined: Examined) -> tuple[Table, ...]:
    """How the encoder read the article, and where its attention went."""
    from fimiscope.bundle.pooling import attention

    reading = examined.scored.reading if examined.scored else None
    if reading is None or examined.document is None or not len(reading.offsets):
        return ()
    weights = attention(reading.tokens.evidence)
    rows = []
    for number, window in enumerate(reading.windows, start=1):
        if window.owned:
            first, last = window.start, window.start + window.owned - 1
            field, start, end = examined.document.locate(int(reading.offsets[first, 0]), int(reading.offsets[last, 1]))
            share = float(weights[first : last + 1].sum())
            rows.append((number, len(window.ids), f"{field} {start}–{end}", f"{share:.2f}"))
    return (Table("Windows", ("window", "tokens", "characters", "share of attention"), tuple(rows)),)


def _scores(verdict: Verdict, predictor: Predictor) -> Table:
    rows = [("flag", "flag", f"{verdict.flag_probability:.3f}")]
    for head, values in (("role", verdict.role), ("actors", verdict.actors), ("narratives", verdict.narratives)):
        ranked = sorted((values or {}).items(), key=lambda pair: -pair[1])
        rows += [(head, code, f"{value:.3f}") for code, value in ranked]
    rows.append(("africa", "africa", f"{verdict.africa:.3f}"))
    return Table(f"Scores by {predictor.scorer}", ("head", "label", "probability"), tuple(rows))


def _sentences(examined: Examined) -> Table:
    assert examined.sentences is not None and examined.document is not None
    rows = []
    for number in examined.sentences.best(5, share=0.0):
        span = examined.sentences.spans[number]
        words = " ".join(examined.document.text[span.start : span.end].split())
        rows.append((f"{examined.sentences.evidence[number]:.2f}", words))
    return Table("Sentences on which the role rests most", ("evidence", "sentence"), tuple(rows))


def _definitions(verdict: Verdict, predictor: Predictor) -> Table:
    """The codebook's words for the likeliest role and narratives."""
    codebook = predictor.bundle.codebook
    rows = [("role", entry.code, entry.definition) for entry in codebook.roles if entry.code == verdict.role_label]
    narratives = verdict.narratives or {}
    ranked = sorted(narratives, key=lambda code: -narratives[code])[:MOST_DEFINITIONS]
    entries = {entry.code: entry for entry in codebook.narratives}
    rows += [("narrative", f"{code} ({narratives[code]:.2f})", entries[code].definition) for code in ranked]
    return Table("Nearest definitions", ("kind", "code", "definition"), tuple(rows))
