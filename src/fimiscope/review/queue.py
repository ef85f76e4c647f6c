"""Which texts people should label next: a stated recipe, the same for the same inputs.

Near-copies count once, labelled texts and their copies not at all. The places of the queue are shared out to the
languages, the rarest first, by the square root of how many texts each has. Of a language's places a quarter goes to
suspected label errors, two thirds of the others to the most uncertain texts and the rest to the most novel ones; what
one kind cannot fill, the next one does.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from fimiscope.checksums import sha256_of_text, short_digest
from fimiscope.codebook import Codebook
from fimiscope.corpus.near_copies import cluster
from fimiscope.errors import CorpusError
from fimiscope.progress import Progress, silent
from fimiscope.records import Article, Verdict
from fimiscope.review.candidates import UNKNOWN_LANGUAGE, Candidates, margin
from fimiscope.review.label_errors import Suspect, suspects
from fimiscope.review.novelty import farthest_first, vectors
from fimiscope.tables import Cell, Table

Kind = Literal["uncertain", "novel", "label error", "disputed"]
_NEAR_COPY = 0.7
_ERRORS = 1 / 4
_NOVEL = 1 / 3
_ROW = re.compile(r":\d+\Z")


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A text to label.

    Attributes:
        kind: for which of the reasons it was chosen.
        why: the reason in words, with the figures. It tells what the model said.
        verdict: what the model said, where it was asked.
        readings: labels that readers gave it who differ, for an adjudicator.
        corpus: that its readers' labels name; `None` where it has none yet.
    """

    article: Article
    language: str
    kind: Kind
    why: str
    verdict: Verdict | None = None
    readings: tuple[Mapping[str, Any], ...] = ()
    corpus: str | None = None

    @property
    def identity(self) -> dict[str, str | None]:
        """How an annotation names its text.

        Where no `corpus` is given, it is the file that the text was read from, without folder, row and ending.
        """
        return {
            "id": self.article.id,
            "corpus": self.corpus or PurePath(_ROW.sub("", self.article.place)).stem or "texts",
            "sha256": sha256_of_text(self.article.text),
            "language": None if self.language == UNKNOWN_LANGUAGE else self.language,
        }


@dataclass(frozen=True, slots=True)
class Queue:
    """Texts to label, the order of labelling, and by which codebook."""

    items: tuple[QueueItem, ...]
    codebook: Codebook

    @property
    def digest(self) -> str:
        """Names this queue: 16 hexadecimal digits over its texts and the codebook."""
        parts = [f"{item.article.id}\0{item.article.text}" for item in self.items]
        return short_digest("\n".join([self.codebook.version, *parts]))

    def counts(self) -> dict[str, dict[str, int]]:
        """Texts by language and kind."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for item in self.items:
            found[item.language][item.kind] += 1
        return {language: dict(sorted(kinds.items())) for language, kinds in sorted(found.items())}

    def table(self) -> Table:
        counts = self.counts()
        kinds = sorted({kind for found in counts.values() for kind in found})
        rows: list[tuple[Cell, ...]] = [
            (language, *(found.get(kind, 0) for kind in kinds)) for language, found in counts.items()
        ]
        return Table(f"{len(self.items)} texts to label", ("language", *kinds), tuple(rows))


def build_queue(given: Candidates, codebook: Codebook, *, size: int, progress: Progress = silent) -> Queue:
    """Choose `size` texts, or all there are, by the recipe of this module.

    Raises:
        CorpusError: no text is left to label.
        MissingExtra: a library of the extra `review` is not installed.
    """
    progress("looking for near-copies", 0, 0)
    pool = _Pool(given, codebook)
    progress("comparing texts", 0, 0)
    chosen: list[QueueItem] = []
    places = shares(pool.counts(), size)
    # The rarest first, as they were given their places.
    for language, count in places.items():
        chosen += pool.choose(language, count)
    if not chosen:
        raise CorpusError("no text is left to label: all are labelled already, or near-copies of labelled ones")
    return Queue(tuple(_mixed(chosen)), codebook)


def shares(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """Places of each language, the rarest first, by the square root of its texts; at least one while there are any.

    No language gets more places than it has texts; what it cannot fill goes to the more frequent ones. The root lies
    between equal places and places by number, as in the sampling of multilingual training texts (Conneau et al. 2020).
    """
    places: dict[str, int] = {}
    ordered = sorted((language for language in counts if counts[language]), key=lambda one: (counts[one], one))
    weight = sum(math.sqrt(counts[language]) for language in ordered)
    for language in ordered:
        own = math.sqrt(counts[language])
        places[language] = min(counts[language], size, max(1, round(size * own / weight)))
        size -= places[language]
        weight -= own
    return places


class _Pool:
    """The candidates as numbers: which can still be chosen, in which order, and how alike they are."""

    def __init__(self, given: Candidates, codebook: Codebook) -> None:
        self._candidates = given.candidates
        self._threshold = given.threshold
        texts = [_whole(one.article) for one in given.candidates] + list(given.labelled)
        groups = cluster(texts, [None] * len(texts), _NEAR_COPY)
        self._table = vectors(texts)
        self._labelled = [n for n, one in enumerate(given.candidates) if one.labels is not None]
        self._known = [*range(len(given.candidates), len(texts))]
        self._new = self._once(groups, {groups[number] for number in (*self._labelled, *self._known)})
        self._suspects = self._suspected(groups, codebook)

    def _rank(self, number: int) -> tuple[bool, float, str]:
        verdict = self._candidates[number].verdict
        return verdict.status != "abstained", margin(verdict.flag_probability, self._threshold), verdict.id

    def _once(self, groups: Sequence[int], labelled: set[int]) -> list[int]:
        """The unlabelled texts by uncertainty, the first of each group of near-copies."""
        seen = set(labelled)
        kept = []
        unlabelled = (n for n, one in enumerate(self._candidates) if one.labels is None)
        for number in sorted(unlabelled, key=self._rank):
            if groups[number] not in seen:
                seen.add(groups[number])
                kept.append(number)
        return kept

    def _suspected(self, groups: Sequence[int], codebook: Codebook) -> dict[int, Suspect]:
        """The labelled texts whose labels are suspected, worst first, the first of each group of near-copies."""
        pairs = [
            (labels, self._candidates[n].verdict) for n in self._labelled if (labels := self._candidates[n].labels)
        ]
        first: dict[int, tuple[int, Suspect]] = {}
        for suspect in suspects(pairs, codebook) if pairs else ():
            number = self._labelled[suspect.index]
            first.setdefault(groups[number], (number, suspect))
        return dict(first.values())

    def counts(self) -> Counter[str]:
        """Texts of each language that could be chosen."""
        return Counter(self._candidates[number].language for number in (*self._new, *self._suspects))

    def choose(self, language: str, places: int) -> list[QueueItem]:
        new = [number for number in self._new if self._candidates[number].language == language]
        wrong = [number for number in self._suspects if self._candidates[number].language == language]
        errors = max(min(len(wrong), round(places * _ERRORS)), places - len(new))
        novel = round((places - errors) * _NOVEL)
        scored = [number for number in new if self._candidates[number].verdict.flag_probability is not None]
        uncertain = scored[: places - errors - novel]
        left = [number for number in new if number not in set(uncertain)]
        known = [*self._known, *uncertain]
        unlike = farthest_first(self._table, known, left, places - errors - len(uncertain)) if left else []
        return [
            *(self._item(number, "label error", _why_suspected(self._suspects[number])) for number in wrong[:errors]),
            *(self._item(number, "uncertain", self._why_uncertain(number)) for number in uncertain),
            *(self._item(number, "novel", _why_novel(similarity)) for number, similarity in unlike),
        ]

    def _item(self, number: int, kind: Kind, why: str) -> QueueItem:
        one = self._candidates[number]
        return QueueItem(one.article, one.language, kind, why, one.verdict)

    def _why_uncertain(self, number: int) -> str:
        verdict = self._candidates[number].verdict
        undecided = "the model abstained: " if verdict.status == "abstained" else ""
        return f"{undecided}flag probability {verdict.flag_probability:.2f}, threshold {self._threshold:.2f}"


def _why_suspected(suspect: Suspect) -> str:
    return (
        f"{suspect.field} is labelled {suspect.given}, and the model says {suspect.likelier} "
        f"({suspect.probability:.2f})"
    )


def _why_novel(similarity: float) -> str:
    return f"similarity to the nearest text that is labelled or chosen: {similarity:.2f}"


def _whole(article: Article) -> str:
    return f"{article.title}\n{article.text}" if article.title else article.text


def _mixed(items: Sequence[QueueItem]) -> list[QueueItem]:
    """Kinds and languages in turn, so that whoever stops early has labelled some of each, the first chosen first."""
    groups: dict[tuple[str, str], list[QueueItem]] = defaultdict(list)
    for item in items:
        groups[item.language, item.kind].append(item)
    placed = [
        ((place + 0.5) / len(group), sha256_of_text(item.article.id), item)
        for group in groups.values()
        for place, item in enumerate(group)
    ]
    return [item for _, _, item in sorted(placed, key=lambda one: one[:2])]
