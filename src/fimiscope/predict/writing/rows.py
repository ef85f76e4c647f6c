"""A verdict as one row of values: with lists as parquet holds it, or flat as a sheet does.

`docs/formats.md` describes the columns.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fimiscope.codebook import Codebook
from fimiscope.records import VERDICT_SCHEMA, Verdict, verdict_schema

if TYPE_CHECKING:
    import pyarrow as pa

EVIDENCE_COLUMNS = 3
_EVIDENCE = ("text", "head", "start", "end", "score", "field")
ARTICLE_FIELDS = ("title", "url", "outlet", "published")
MODEL_FIELDS = ("name", "version", "codebook", "trained_on")


def as_row(verdict: Verdict, codebook: Codebook) -> dict[str, Any]:
    """A verdict as one row of `records.verdict_schema`, in its order; missing scores are `None`, lists stay lists."""
    document = verdict.to_dict()
    row: dict[str, Any] = {"schema": VERDICT_SCHEMA}
    row.update((name, document[name]) for name in ("id", "status", "reason", "flag", "flag_probability", "role_label"))
    for prefix, codes, scores in (
        ("role", codebook.role_codes, verdict.role),
        ("actor", codebook.actor_codes, verdict.actors),
        ("narrative", codebook.narrative_codes, verdict.narratives),
    ):
        row.update((f"{prefix}_{code}", (scores or {}).get(code)) for code in codes)
    row.update((name, document[name]) for name in ("narratives_flagged", "africa", "evidence", "language", "gate"))
    row.update((name, verdict.article.get(name)) for name in ARTICLE_FIELDS)
    row.update((f"model_{name}", verdict.model.get(name)) for name in MODEL_FIELDS)
    return row


def flatten(verdict: Verdict, codebook: Codebook) -> dict[str, Any]:
    """A verdict as one row of single values, the columns of `flat_schema` in their order.

    Flagged narratives are joined by `; `. The first three pieces of evidence have columns of their own,
    `evidence_text_1`, `evidence_head_1` and so on; what is beyond them stands as JSON in `evidence_more`.
    """
    flat: dict[str, Any] = {}
    for name, value in as_row(verdict, codebook).items():
        if name == "narratives_flagged":
            flat[name] = None if value is None else "; ".join(value)
        elif name == "evidence":
            pieces = value or []
            for number in range(1, EVIDENCE_COLUMNS + 1):
                piece = pieces[number - 1] if number <= len(pieces) else {}
                flat.update((f"evidence_{part}_{number}", piece.get(part)) for part in _EVIDENCE)
            more = pieces[EVIDENCE_COLUMNS:]
            flat["evidence_more"] = json.dumps(more, ensure_ascii=False) if more else None
        else:
            flat[name] = value
    return flat


def flat_schema(codebook: Codebook) -> pa.Schema:
    """Arrow schema of `flatten`: strings, floats, integers and booleans only."""
    import pyarrow as pa

    parts = {"start": pa.int64(), "end": pa.int64(), "score": pa.float64()}
    fields = []
    for field in nested_schema(codebook):
        if field.name == "evidence":
            for number in range(1, EVIDENCE_COLUMNS + 1):
                fields += [(f"evidence_{part}_{number}", parts.get(part, pa.string())) for part in _EVIDENCE]
            fields.append(("evidence_more", pa.string()))
        else:
            fields.append((field.name, pa.string() if pa.types.is_list(field.type) else field.type))
    return pa.schema(fields)


def nested_schema(codebook: Codebook) -> pa.Schema:
    """Arrow schema of `as_row`."""
    return verdict_schema(list(codebook.role_codes), list(codebook.actor_codes), list(codebook.narrative_codes))
