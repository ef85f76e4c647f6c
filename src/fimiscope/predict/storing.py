"""Verdicts as the rows of a part's file, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fimiscope.codebook import Codebook
from fimiscope.predict.passages import Passage
from fimiscope.predict.writing.rows import ARTICLE_FIELDS, MODEL_FIELDS, as_row, nested_schema
from fimiscope.records import Evidence, Verdict

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Stored:
    """A verdict with what else is known where it is written.

    Attributes:
        verdict: what the model says.
        place: file and row that the article was read from.
        renamed: the id that the input gave, where another article had it before.
        passages: the article's text around the evidence.
    """

    verdict: Verdict
    place: str = ""
    renamed: str | None = None
    passages: tuple[Passage, ...] = ()


def to_table(rows: Iterable[Stored], codebook: Codebook) -> pa.Table:
    """The rows as an Arrow table; `rows_of` gives the same rows back."""
    import pyarrow as pa

    passage = pa.struct([("field", pa.string()), ("start", pa.int64()), ("text", pa.string())])
    more = [("place", pa.string()), ("renamed", pa.string()), ("passages", pa.list_(passage))]
    documents = [
        as_row(row.verdict, codebook)
        | {"place": row.place, "renamed": row.renamed, "passages": [asdict(one) for one in row.passages]}
        for row in rows
    ]
    return pa.Table.from_pylist(
        documents, schema=pa.schema([*nested_schema(codebook), *(pa.field(*one) for one in more)])
    )


def rows_of(table: pa.Table, codebook: Codebook) -> Iterator[Stored]:
    """The rows of a table that `to_table` made, in its order."""
    for batch in table.to_batches(max_chunksize=500):
        for row in batch.to_pylist():
            found = tuple(Passage(**one) for one in row["passages"])
            yield Stored(_verdict(row, codebook), row["place"], row["renamed"], found)


def _verdict(row: dict[str, Any], codebook: Codebook) -> Verdict:
    narratives, evidence = row["narratives_flagged"], row["evidence"]
    return Verdict(
        **{name: row[name] for name in ("id", "status", "reason", "flag", "flag_probability", "role_label")},
        role=_scores(row, "role", codebook.role_codes),
        actors=_scores(row, "actor", codebook.actor_codes),
        narratives=_scores(row, "narrative", codebook.narrative_codes),
        narratives_flagged=None if narratives is None else tuple(narratives),
        africa=row["africa"],
        evidence=None if evidence is None else tuple(Evidence(**piece) for piece in evidence),
        language=row["language"],
        gate=row["gate"],
        article={name: row[name] for name in ARTICLE_FIELDS},
        model={name: row[f"model_{name}"] for name in MODEL_FIELDS},
    )


def _scores(row: dict[str, Any], prefix: str, codes: Iterable[str]) -> dict[str, float] | None:
    scores = {code: row[f"{prefix}_{code}"] for code in codes}
    return None if None in scores.values() else scores
