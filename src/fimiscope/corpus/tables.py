"""What a corpus is made of, as plain tables for the command line, the report and the tracking run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from fimiscope.corpus.examples import PARTS, Corpus, Example
from fimiscope.tables import Cell, Table

UNLABELLED = "unlabelled"


def corpus_tables(corpus: Corpus) -> list[Table]:
    """Counts by source, part, language, role and narrative, and what was dropped and why."""
    return [_sources(corpus), _parts(corpus), _languages(corpus), _narratives(corpus), _dropped(corpus)]


def _sources(corpus: Corpus) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for source in dict.fromkeys(example.source for example in corpus.examples):
        examples = [example for example in corpus.examples if example.source == source]
        rows.append((source, *_by_part(examples), len(examples), _flagged(corpus, examples)))
    rows.append(("all", *_by_part(corpus.examples), len(corpus.examples), _flagged(corpus, corpus.examples)))
    return Table("Texts by source", ("source", *PARTS, "all", "flagged"), tuple(rows))


def _parts(corpus: Corpus) -> Table:
    columns = ("part", "texts", "flagged", "not flagged", "undecided", "unsure labels", "groups", "largest group")
    rows = []
    for part in PARTS:
        examples = corpus.part(part)
        flags = Counter(corpus.codebook.flagged(example.labels) for example in examples)
        unsure = sum(example.labels.confidence == "low" for example in examples)
        groups = Counter(example.group for example in examples)
        largest = max(groups.values(), default=0)
        rows.append((part, len(examples), flags[True], flags[False], flags[None], unsure, len(groups), largest))
    return Table("Parts", columns, tuple(rows))


def _languages(corpus: Corpus) -> Table:
    roles = [*corpus.codebook.role_codes, UNLABELLED]
    counts = Counter((e.article.language or "unknown", e.labels.role or UNLABELLED) for e in corpus.examples)
    sizes = Counter(example.article.language or "unknown" for example in corpus.examples)
    rows: list[tuple[Cell, ...]] = [
        (language, *(counts[language, role] for role in roles), size)
        for language, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Table("Roles by language", ("language", *roles, "all"), tuple(rows))


def _narratives(corpus: Corpus) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for code in corpus.codebook.narrative_codes:
        examples = [example for example in corpus.examples if code in (example.labels.narratives or ())]
        rows.append((code, *_by_part(examples), len(examples)))
    unlabelled = [example for example in corpus.examples if example.labels.narratives is None]
    rows.append((UNLABELLED, *_by_part(unlabelled), len(unlabelled)))
    return Table("Narratives by part", ("narrative", *PARTS, "all"), tuple(rows))


def _dropped(corpus: Corpus) -> Table:
    rows = tuple((d.source, d.reason, d.count, ", ".join(d.ids)) for d in corpus.dropped)
    return Table("Left out", ("source", "reason", "texts", "for example"), rows)


def _by_part(examples: Iterable[Example]) -> list[int]:
    counts = Counter(example.part for example in examples)
    return [counts[part] for part in PARTS]


def _flagged(corpus: Corpus, examples: Sequence[Example]) -> int:
    return sum(corpus.codebook.flagged(example.labels) is True for example in examples)
