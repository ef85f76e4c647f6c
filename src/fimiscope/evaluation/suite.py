"""The contrast suite: families of texts of which one edit changes the label or must not, and dirty re-posts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.corpus.labels import parse_labels
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.evaluation.noise import noisy
from fimiscope.records import Article
from fimiscope.shipped import shipped

SOURCE = "contrast"
REPOST, LOOKALIKE = "repost", "lookalike"
Must = Literal["base", "change", "keep", "alone"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One text of the suite.

    Attributes:
        example: the text with its gold labels; `group` is the family.
        kind: what was done to the family's base: `role`, `swap`, `upper_case` …; or `repost`, `lookalike`.
        must: whether the edit changes the label of the base or keeps it; `alone` for re-posts, which have no base.
        round: in which round of writing the text was made, from 1.
    """

    example: Example
    kind: str
    must: Must
    round: int

    @property
    def family(self) -> str:
        return self.example.group


@dataclass(frozen=True, slots=True)
class Suite:
    """All texts of the contrast suite, in the order in which they are scored."""

    variants: tuple[Variant, ...]

    @classmethod
    def load(cls, codebook: Codebook) -> Suite:
        """The shipped suite: the texts written by hand, those made by `noisy` from each base, and the re-posts.

        Raises:
            CorpusError: its labels are not those of `codebook`.
        """
        variants = [_variant(record) for record in _records("families.jsonl")]
        bases = [variant for variant in variants if variant.must == "base"]
        variants += [made for base in bases for made in _made_noisy(base)]
        variants += [_variant(record | {"must": "alone"}) for record in _records("reposts.jsonl")]
        if any(codebook.faults(variant.example.labels) for variant in variants):
            raise CorpusError(
                f"the contrast suite has labels that codebook {codebook.version} of this model does not know: "
                "it measures models of the shipped codebook"
            )
        return cls(tuple(variants))

    def of_round(self, number: int) -> Suite:
        """The texts of one round of writing.

        Raises:
            ConfigError: there was no such round.
        """
        if chosen := tuple(variant for variant in self.variants if variant.round == number):
            return Suite(chosen)
        last = max(variant.round for variant in self.variants)
        raise ConfigError(f"--round {number}: the contrast suite was written in rounds 1 to {last}")

    @property
    def examples(self) -> tuple[Example, ...]:
        return tuple(variant.example for variant in self.variants)

    @property
    def bases(self) -> dict[str, int]:
        """Where in `variants` the base of each family stands."""
        return {variant.family: place for place, variant in enumerate(self.variants) if variant.must == "base"}


def _records(name: str) -> Iterator[dict[str, Any]]:
    with shipped(f"contrast/{name}").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _variant(record: dict[str, Any]) -> Variant:
    article = Article(record["id"], record["text"], title=record["title"], language=record["language"])
    labels = parse_labels(record)
    example = Example(article, labels, SOURCE, "test", record["family"], len(article.text), 1.0)
    return Variant(example, record["kind"], cast(Must, record["must"]), record.get("round", 1))


def _made_noisy(base: Variant) -> Iterator[Variant]:
    labels = replace(base.example.labels, evidence=None)
    for kind, article in noisy(base.example.article):
        example = replace(base.example, article=article, labels=labels, labelled_to=len(article.text))
        yield replace(base, example=example, kind=kind, must="keep")
