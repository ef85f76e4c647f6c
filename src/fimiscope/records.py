"""The three records that travel between the rooms: `Article`, `Labels`, `Verdict`, and their Arrow schemas.

All offsets in the project are half-open character offsets (Unicode code points) into a field of the article as
it was given, before any cleaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Status = Literal["scored", "abstained", "failed"]
Outcome = Literal["flagged", "clear", "abstained", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("flagged", "clear", "abstained", "failed")
VERDICT_SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Article:
    """One text to score or to learn from.

    Attributes:
        id: unique within its input; made from the place it was read from where the input has none.
        text: the body as given; offsets index this string.
        title: headline, where the input keeps it apart from the text.
        language: ISO 639 code that the input states, if any.
        published: date as the input states it.
        outlet: publisher, channel or account. Never read by the model.
        url: address as the input states it.
        place: file and row it was read from, for messages.
        renamed: the id that the input gave, where another article had it before.
    """

    id: str
    text: str
    title: str | None = None
    language: str | None = None
    published: str | None = None
    outlet: str | None = None
    url: str | None = None
    place: str = ""
    renamed: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in the input that could not be turned into an `Article`, and why; the other fields as there."""

    id: str
    reason: str
    place: str = ""
    renamed: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of an article's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Labels:
    """A codebook record for one article; `None` means that this field was not labelled (it is masked, not negative)."""

    role: str | None = None
    actors: tuple[str, ...] | None = None
    narratives: tuple[str, ...] | None = None
    africa: bool | None = None
    evidence: tuple[Span, ...] | None = None
    confidence: Literal["high", "low"] = "high"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the article on which a score rests.

    Attributes:
        start, end: offsets into the article's `field`.
        text: exactly those characters.
        head: what they are evidence for: `role`, or the code of a narrative.
        score: 0 to 1, how strongly the model rests on them.
        field: `text` or `title`.
    """

    start: int
    end: int
    text: str
    head: str
    score: float
    field: Literal["text", "title"] = "text"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model says about one article. Scored fields are `None` when `status` is `failed`.

    `flag` is `None` unless `status` is `scored`, and then true exactly when `flag_probability` reaches the
    bundle's threshold for the chosen profile. `reason` says why an article failed or was abstained from; on a
    scored article it holds remarks (a language never trained on, an article longer than the window cap). `gate` says
    that the bundle's gate cleared the article before any model read it: `flag` is false, and there are no scores.
    """

    id: str
    status: Status
    reason: str | None = None
    flag: bool | None = None
    flag_probability: float | None = None
    role: dict[str, float] | None = None
    role_label: str | None = None
    actors: dict[str, float] | None = None
    narratives: dict[str, float] | None = None
    narratives_flagged: tuple[str, ...] | None = None
    africa: float | None = None
    evidence: tuple[Evidence, ...] | None = None
    language: str | None = None
    gate: bool = False
    article: dict[str, str | None] = field(default_factory=dict)
    model: dict[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The status, and for a scored article whether it is flagged."""
        if self.status != "scored":
            return self.status
        return "flagged" if self.flag else "clear"

    def to_dict(self) -> dict[str, Any]:
        """The verdict as the JSON object of the output format, schema 2."""
        evidence = self.evidence
        return {
            "schema": VERDICT_SCHEMA,
            "id": self.id,
            "status": self.status,
            "reason": self.reason,
            "flag": self.flag,
            "flag_probability": self.flag_probability,
            "role": self.role,
            "role_label": self.role_label,
            "actors": self.actors,
            "narratives": self.narratives,
            "narratives_flagged": None if self.narratives_flagged is None else list(self.narratives_flagged),
            "africa": self.africa,
            "evidence": None
            if evidence is None
            else [
                {"start": e.start, "end": e.end, "text": e.text, "head": e.head, "score": e.score, "field": e.field}
                for e in evidence
            ],
            "language": self.language,
            "gate": self.gate,
            "article": self.article,
            "model": self.model,
        }


def article_schema() -> pa.Schema:
    """Arrow schema of `Article`."""
    import pyarrow as pa

    optional = ["title", "language", "published", "outlet", "url"]
    return pa.schema(
        [pa.field("id", pa.string(), nullable=False), pa.field("text", pa.string(), nullable=False)]
        + [pa.field(name, pa.string()) for name in optional]
        + [pa.field("place", pa.string(), nullable=False), pa.field("renamed", pa.string())]
    )


def labels_schema() -> pa.Schema:
    """Arrow schema of `Labels`."""
    import pyarrow as pa

    span = pa.struct([("start", pa.int64()), ("end", pa.int64())])
    return pa.schema(
        [
            ("role", pa.string()),
            ("actors", pa.list_(pa.string())),
            ("narratives", pa.list_(pa.string())),
            ("africa", pa.bool_()),
            ("evidence", pa.list_(span)),
            ("confidence", pa.string()),
        ]
    )


def verdict_schema(roles: list[str], actors: list[str], narratives: list[str]) -> pa.Schema:
    """Arrow schema of the flattened `Verdict`, as parquet output carries it.

    Nested scores become one float column a label: `role_<role>`, `actor_<actor>`, `narrative_<code>`.
    """
    import pyarrow as pa

    text = pa.string()
    number = pa.float64()
    evidence = pa.struct(
        [("start", pa.int64()), ("end", pa.int64()), ("text", text), ("head", text), ("score", number), ("field", text)]
    )
    return pa.schema(
        [("schema", pa.int64()), ("id", text), ("status", text), ("reason", text)]
        + [("flag", pa.bool_()), ("flag_probability", number), ("role_label", text)]
        + [(f"role_{role}", number) for role in roles]
        + [(f"actor_{actor}", number) for actor in actors]
        + [(f"narrative_{code}", number) for code in narratives]
        + [("narratives_flagged", pa.list_(text)), ("africa", number), ("evidence", pa.list_(evidence))]
        + [("language", text), ("gate", pa.bool_())]
        + [(name, text) for name in ("title", "url", "outlet", "published")]
        + [(f"model_{name}", text) for name in ("name", "version", "codebook", "trained_on")]
    )
