"""Which part a text falls into: whole groups, outlets or dates are held out, never single texts."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from fimiscope.config import Shares
from fimiscope.corpus.examples import PARTS, Part, Record
from fimiscope.errors import CorpusError

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_DRAWS = 32


@dataclass(frozen=True, slots=True)
class Rule:
    """How a source is split.

    Attributes:
        unit: what is held out whole: `group` (near-copies and families), `outlet`, or `date` (the latest ones).
        shares: share of the texts that each held-out part gets, as nearly as whole units allow.
        pool: sources of one pool are split together, so that an outlet of two sources lies in one part.
    """

    unit: Literal["group", "outlet", "date"]
    shares: Shares
    pool: str

    @property
    def holds_out(self) -> bool:
        return self.shares.valid + self.shares.test > 0


def split(
    records: Sequence[Record],
    groups: Sequence[str],
    flagged: Sequence[bool],
    rules: dict[str, Rule],
    *,
    seed: int,
    learned: Collection[str] = (),
) -> list[Part]:
    """The part of each record; equal on every machine for equal records, rules and seed.

    Units with and without flagged texts, and groups of each language, are shared out separately, so that a small
    source has positives and its languages in every part; of several draws, the one is taken in which roles, flags
    and narratives are spread most evenly. Every group ends up in one part: the most held-out one (test, valid, train)
    that any of its texts got. A part that a record brings with it stays, and its group follows it.

    Args:
        groups: name of each record's group of near-copies.
        flagged: whether each record is flagged by its labels.
        rules: by source.
        learned: names of groups that stay in `train` where whole groups are held out.

    Raises:
        CorpusError: a source split by date has texts without one.
    """
    kept = {f"group {group}" for group in learned}
    draws = (_draw(records, groups, flagged, rules, f"{seed}.{number}", kept) for number in range(_DRAWS))
    codes = [
        {*(record.labels.narratives or ()), record.labels.role or "no role", "flagged" if flag else "not flagged"}
        for record, flag in zip(records, flagged, strict=True)
    ]
    # Sources that hold nothing out are no measure of how the others should look.
    shared = [index for index, record in enumerate(records) if record.part is None and rules[record.source].holds_out]
    return min(draws, key=lambda parts: _unevenness([parts[i] for i in shared], [codes[i] for i in shared]))


def _draw(
    records: Sequence[Record],
    groups: Sequence[str],
    flagged: Sequence[bool],
    rules: dict[str, Rule],
    salt: str,
    kept: Collection[str],
) -> list[Part]:
    pools: dict[str, list[int]] = defaultdict(list)
    proposed: list[Part] = ["train"] * len(records)
    for index, record in enumerate(records):
        if record.part is None:
            pools[rules[record.source].pool].append(index)
        else:
            proposed[index] = record.part
    for members in pools.values():
        rule = rules[records[members[0]].source]
        if rule.unit == "date":
            given = _latest([records[index] for index in members], rule.shares)
        else:
            units = [_unit(records[index], groups[index], rule) for index in members]
            kinds = [_kind(records[index], flagged[index], rule) for index in members]
            given = _by_hash(units, kinds, rule.shares, salt, kept)
        for index, part in zip(members, given, strict=True):
            proposed[index] = part
    brought = _most_held_out((group, record.part) for group, record in zip(groups, records, strict=True) if record.part)
    final = _most_held_out(zip(groups, proposed, strict=True)) | brought
    return [record.part or final[group] for record, group in zip(records, groups, strict=True)]


def _most_held_out(pairs: Iterable[tuple[str, Part]]) -> dict[str, Part]:
    """Of each group the most held-out part that one of its texts got."""
    final: dict[str, Part] = {}
    for group, part in pairs:
        final[group] = max(final.get(group, part), part, key=PARTS.index)
    return final


def _unevenness(parts: Sequence[Part], codes: Sequence[set[str]]) -> float:
    """Chi-square distance of each code's spread over the parts from that of all texts."""
    sizes = Counter(parts)
    totals = Counter(code for own in codes for code in own)
    found = Counter((code, part) for own, part in zip(codes, parts, strict=True) for code in own)
    distance = 0.0
    for part, size in sizes.items():
        for code, total in totals.items():
            expected = total * size / len(parts)
            distance += (found[code, part] - expected) ** 2 / expected
    return distance


def _unit(record: Record, group: str, rule: Rule) -> str:
    """The name of what is held out whole; a text without an outlet goes with its group."""
    return f"outlet {record.article.outlet}" if rule.unit == "outlet" and record.article.outlet else f"group {group}"


def _kind(record: Record, flagged: bool, rule: Rule) -> str:
    """Units are shared out kind by kind; a unit is of the last kind, in alphabetical order, among its texts."""
    # Outlets are few and large: more kinds of them would leave none to hold out.
    language = record.article.language if rule.unit == "group" else None
    return f"{int(flagged)} {language}"


def _by_hash(
    units: Sequence[str], kinds: Sequence[str], shares: Shares, salt: str, kept: Collection[str]
) -> list[Part]:
    """Parts of the units in a random order; those that are `kept` are learned from."""
    sizes = Counter(units)
    kind_of: dict[str, str] = {}
    for unit, kind in zip(units, kinds, strict=True):
        kind_of[unit] = max(kind_of.get(unit, kind), kind)
    totals: Counter[str] = Counter()
    for unit, size in sizes.items():
        totals[kind_of[unit]] += size
    room: dict[str, dict[Part, float]] = {
        kind: {"test": shares.test * total, "valid": shares.valid * total} for kind, total in totals.items()
    }
    parts: dict[str, Part] = {}
    for unit in sorted(sizes, key=lambda unit: hashlib.sha256(f"{salt} {unit}".encode()).digest()):
        parts[unit] = "train" if unit in kept else _first_with_room(sizes[unit], room[kind_of[unit]])
    return [parts[unit] for unit in units]


def _first_with_room(size: int, room: dict[Part, float]) -> Part:
    """A unit goes where at least half of it still fits, and takes that room."""
    for part in room:
        if size / 2 <= room[part]:
            room[part] -= size
            return part
    return "train"


def _latest(records: Sequence[Record], shares: Shares) -> list[Part]:
    dates = [_date(record) for record in records]
    parts: dict[str, Part] = {}
    room: dict[Part, float] = {"test": shares.test * len(dates), "valid": shares.valid * len(dates)}
    order: list[Part] = ["test", "valid", "train"]
    for date in sorted(set(dates), reverse=True):
        size = dates.count(date)
        # Once a date did not fit a part, no earlier date may enter it.
        while order[0] != "train" and size / 2 > room[order[0]]:
            order.pop(0)
        parts[date] = order[0]
        if order[0] != "train":
            room[order[0]] -= size
    return [parts[date] for date in dates]


def _date(record: Record) -> str:
    found = _DATE.match(record.article.published or "")
    if found is None:
        raise CorpusError(
            f"{record.source} is split by date, but text '{record.article.id}' has no `published` like 2024-05-31: "
            "take the source out of `latest`, or give the dates"
        )
    return found[0]
