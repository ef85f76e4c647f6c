"""What a corpus is made of: labelled articles with their part, and what was left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from fimiscope.bundle.document import Document
from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.errors import MissingExtra
from fimiscope.records import Article, Labels, article_schema, labels_schema

if TYPE_CHECKING:
    from datasets import Dataset

Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")
_IDS_SHOWN = 5
_DIGEST_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Record:
    """A labelled article before it is given a part.

    Attributes:
        family: name shared, in all sources, by texts that belong together: a contrast family or one document.
        labelled_to: characters of the text that the labels cover.
        invented: whether the text was written to be learned from.
        part: that a fold fixes, whatever the parts of its near-copies.
    """

    article: Article
    labels: Labels
    source: str
    family: str | None
    labelled_to: int
    invented: bool = False
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled article of the corpus.

    Attributes:
        source: where it comes from: `embedded`, the name of a corpus, or the name of the user's file.
        part: `train` is learned from, `valid` decides calibration and thresholds, `test` gives the final figures.
        group: texts that are near-copies or of one family; a group lies in one part.
        labelled_to: characters of `article.text` that the labels cover, from its start.
        weight: what the example counts in the loss, above 0.
    """

    article: Article
    labels: Labels
    source: str
    part: Part
    group: str
    labelled_to: int
    weight: float

    def labelled_article(self) -> Article:
        """The article as far as its labels cover it: models learn from and are measured on no more."""
        if self.labelled_to >= len(self.article.text):
            return self.article
        return replace(self.article, text=self.article.text[: self.labelled_to])

    def document(self) -> Document:
        """What a model reads of the labelled article."""
        return Document.of(self.labelled_article())


@dataclass(frozen=True, slots=True)
class Dropped:
    """Records of one source that were left out for one reason, with up to 5 of their ids."""

    source: str
    reason: str
    count: int
    ids: tuple[str, ...]


@dataclass(slots=True)
class Drops:
    """Collects what is left out while a corpus is built."""

    _ids: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, source: str, reason: str, identity: str) -> None:
        self._ids.setdefault((source, reason), []).append(identity)

    def collected(self) -> tuple[Dropped, ...]:
        """Everything left out, sorted by source and reason."""
        return tuple(
            Dropped(source, reason, len(ids), tuple(sorted(ids)[:_IDS_SHOWN]))
            for (source, reason), ids in sorted(self._ids.items())
        )

    def summary(self, most: int = 5) -> str:
        """The commonest reasons with their counts, for an error message."""
        reasons = sorted(self.collected(), key=lambda dropped: -dropped.count)
        shown = [f"{d.source}: {d.count} × {d.reason} ({d.ids[0]}{', …' if d.count > 1 else ''})" for d in reasons]
        return "; ".join(shown[:most]) + (f"; and {len(shown) - most} more reasons" if len(shown) > most else "")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled articles in three parts, in the order of the config's sources and then by id.

    Attributes:
        digest: 32 hexadecimal digits over ids, titles, texts, labels, parts and weights; equal on every machine.
        codebook: the codebook that the labels were checked against.
    """

    examples: tuple[Example, ...]
    dropped: tuple[Dropped, ...]
    digest: str
    codebook: Codebook

    def part(self, name: Part) -> tuple[Example, ...]:
        return tuple(example for example in self.examples if example.part == name)

    def part_digest(self, name: Part) -> str:
        """32 hexadecimal digits over ids, titles, texts and labels of one part, and how much of each text they cover.

        Two corpora with equal digests of their test parts measure models on the same articles by the same labels,
        whatever else they hold and whatever a text weighs in training.
        """
        return _fingerprint([*_content(example), example.labelled_to] for example in self.part(name))

    def table(self, part: Part | None = None) -> Dataset:
        """The examples as a typed table: the fields of `Article`, of `Labels`, then source, part, group,
        labelled_to and weight.

        Raises:
            MissingExtra: datasets is not installed.
        """
        try:
            from datasets import Dataset, Features
        except ModuleNotFoundError as error:
            raise MissingExtra("datasets", "train") from error
        examples = self.examples if part is None else self.part(part)
        schema = _schema()
        rows = [_row(example) for example in examples]
        columns = {name: [row[name] for row in rows] for name in schema.names}
        return Dataset.from_dict(columns, features=Features.from_arrow_schema(schema))


def digest(examples: Iterable[Example]) -> str:
    """Fingerprint of a set of examples, whatever their order."""
    return _fingerprint([*_content(e), e.part, e.labelled_to, e.weight] for e in examples)


def _content(example: Example) -> list[Any]:
    article = example.article
    text = sha256_of_text(f"{article.title or ''}\0{article.text}")
    return [example.source, article.id, text, asdict(example.labels)]


def _fingerprint(rows: Iterable[list[Any]]) -> str:
    lines = sorted(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    return sha256_of_text("\n".join(lines))[:_DIGEST_CHARACTERS]


def _row(example: Example) -> dict[str, Any]:
    rest = {name: getattr(example, name) for name in ("source", "part", "group", "labelled_to", "weight")}
    return asdict(example.article) | asdict(example.labels) | rest


def _schema() -> Any:
    import pyarrow as pa

    rest = [("source", pa.string()), ("part", pa.string()), ("group", pa.string())]
    numbers = [("labelled_to", pa.int64()), ("weight", pa.float64())]
    fields = [*article_schema(), *labels_schema(), *(pa.field(*column, nullable=False) for column in rest + numbers)]
    return pa.schema(fields)
