"""What a corpus could give away: how roles and flags go with source, language, length, date and translation."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from fimiscope.corpus.examples import PARTS, Corpus, Example
from fimiscope.corpus.fetching import load_sources
from fimiscope.corpus.tables import UNLABELLED
from fimiscope.tables import Cell, Table

LENGTHS = (100, 200, 400, 800, 1600)
"""Characters of the labelled text at which a new band of lengths begins."""
NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Trait:
    """The labels of all texts that share one trait.

    Attributes:
        name: `source`, `language`, `length`, `year` or `translated`.
        value: `fr`, `100–199` …
        roles: texts of each role.
        parts: texts of each part.
    """

    name: str
    value: str
    texts: int
    flagged: int
    roles: dict[str, int]
    parts: dict[str, int]


@dataclass(frozen=True, slots=True)
class NearCopies:
    """Groups of near-copies and families.

    Attributes:
        groups: of more than one text.
        texts: in them.
        largest: texts of the largest.
        straddling: groups with texts in more than one part; not 0 in the fold that splits by single texts alone.
    """

    groups: int
    texts: int
    largest: int
    straddling: int


def length_band(example: Example) -> str:
    """The band of `LENGTHS` in which the labelled text lies, in characters: `100–199`."""
    place = bisect(LENGTHS, min(example.labelled_to, len(example.article.text)))
    if place == len(LENGTHS):
        return f"{LENGTHS[-1]} or more"
    return f"{LENGTHS[place - 1] if place else 0}–{LENGTHS[place] - 1}"


def traits(corpus: Corpus) -> tuple[Trait, ...]:
    """Roles and flags by each trait, the values in order. What is not known of a text is `not recorded`."""
    listed = load_sources().sources
    translated = {name: source.translated or NOT_RECORDED for name, source in listed.items()}
    values: dict[str, Callable[[Example], str]] = {
        "source": lambda example: example.source,
        "language": lambda example: example.article.language or NOT_RECORDED,
        "length": length_band,
        "year": _year,
        "translated": lambda example: translated.get(example.source, NOT_RECORDED),
    }
    return tuple(trait for name, value in values.items() for trait in _of_each(corpus, name, value))


def near_copies(corpus: Corpus) -> NearCopies:
    """How many texts stand in groups, and whether a group reaches over parts."""
    sizes = Counter(example.group for example in corpus.examples)
    parts = defaultdict(set)
    for example in corpus.examples:
        parts[example.group].add(example.part)
    shared = [size for size in sizes.values() if size > 1]
    straddling = sum(len(own) > 1 for own in parts.values())
    return NearCopies(len(shared), sum(shared), max(shared, default=0), straddling)


def audit_tables(corpus: Corpus) -> dict[str, Table]:
    """One table a trait, by the trait's name, and `near_copies`."""
    roles = (*corpus.codebook.role_codes, UNLABELLED)
    found = traits(corpus)
    tables = {}
    for name in dict.fromkeys(trait.name for trait in found):
        rows: list[tuple[Cell, ...]] = [
            (one.value, *one.parts.values(), *one.roles.values(), one.flagged, f"{one.flagged / one.texts:.0%}")
            for one in found
            if one.name == name
        ]
        tables[name] = Table(f"Labels by {name}", (name, *PARTS, *roles, "flagged", "share"), tuple(rows))
    copies = near_copies(corpus)
    counts = (copies.groups, copies.texts, copies.largest, copies.straddling)
    columns = ("groups of more than one text", "texts in them", "largest", "groups in more than one part")
    return tables | {"near_copies": Table("Near-copies, families and documents", columns, (counts,))}


def _of_each(corpus: Corpus, name: str, value: Callable[[Example], str]) -> list[Trait]:
    sharing: dict[str, list[Example]] = defaultdict(list)
    for example in corpus.examples:
        sharing[value(example)].append(example)
    roles = (*corpus.codebook.role_codes, UNLABELLED)
    found = []
    for own, examples in sorted(sharing.items(), key=lambda item: _in_order(item[0])):
        role = Counter(example.labels.role or UNLABELLED for example in examples)
        part = Counter(example.part for example in examples)
        flagged = sum(corpus.codebook.flagged(example.labels) is True for example in examples)
        by_role, by_part = {code: role[code] for code in roles}, {str(one): part[one] for one in PARTS}
        found.append(Trait(name, own, len(examples), flagged, by_role, by_part))
    return found


def _in_order(value: str) -> tuple[int, str]:
    """Bands of lengths and years by number, other values after them by name."""
    number = re.match(r"\d+", value)
    return (int(number[0]) if number else 10**9, value)


def _year(example: Example) -> str:
    found = re.match(r"\d{4}", example.article.published or "")
    return found[0] if found else NOT_RECORDED
