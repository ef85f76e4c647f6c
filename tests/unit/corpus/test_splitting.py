from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fimiscope.config import Shares
from fimiscope.corpus.examples import Record
from fimiscope.corpus.splitting import Rule, split
from fimiscope.errors import CorpusError
from fimiscope.records import Article, Labels

SHARES = Shares(valid=0.2, test=0.3)
Make = Callable[..., list[Record]]


def records(count: int, source: str = "letters", **fields: Any) -> list[Record]:
    def value(given: Any, number: int) -> Any:
        return given(number) if callable(given) else given

    made = []
    for number in range(count):
        facts = {name: value(given, number) for name, given in fields.items()}
        labels = facts.pop("labels", Labels(role="none"))
        made.append(Record(Article(f"{source}-{number:03}", "text", **facts), labels, source, None, 4))
    return made


def rules(unit: Any, *sources: str, shares: Shares = SHARES) -> dict[str, Rule]:
    return {source: Rule(unit, shares, "pool" if unit == "outlet" else source) for source in sources or ("letters",)}


def parts_of(found: list[Record], rule: dict[str, Rule], groups: list[str] | None = None, seed: int = 1) -> list[str]:
    names = groups or [record.article.id for record in found]
    flagged = [record.labels.role == "carries" for record in found]
    return list(split(found, names, flagged, rule, seed=seed))


def test_shares_are_met_and_a_group_is_never_divided() -> None:
    found = records(120)
    groups = [f"g{number // 3}" for number in range(120)]
    parts = parts_of(found, rules("group"), groups)
    assert len({(group, part) for group, part in zip(groups, parts, strict=True)}) == 40
    counts = Counter(parts)
    assert abs(counts["test"] - 36) <= 3
    assert abs(counts["valid"] - 24) <= 3


def test_a_small_source_keeps_flagged_texts_in_every_part() -> None:
    found = records(40, labels=lambda number: Labels(role="carries" if number % 8 == 0 else "none", africa=True))
    parts = parts_of(found, rules("group"))
    flagged = Counter(part for record, part in zip(found, parts, strict=True) if record.labels.role == "carries")
    assert set(flagged) == {"train", "valid", "test"}


def test_every_language_of_a_source_is_in_every_part() -> None:
    found = records(60, language=lambda number: ["en", "fr", "ha"][number % 3])
    parts = parts_of(found, rules("group"))
    assert len({(record.article.language, part) for record, part in zip(found, parts, strict=True)}) == 9


def test_the_split_depends_on_the_seed_and_on_nothing_else() -> None:
    found = records(50)
    assert parts_of(found, rules("group"), seed=1) == parts_of(found, rules("group"), seed=1)
    assert parts_of(found, rules("group"), seed=1) != parts_of(found, rules("group"), seed=2)


def test_this_split_is_the_same_on_every_machine() -> None:
    held_out = [index for index, part in enumerate(parts_of(records(12), rules("group"), seed=13)) if part == "test"]
    assert held_out == [0, 3, 8, 9]


def test_nothing_is_held_out_of_a_source_without_shares() -> None:
    assert set(parts_of(records(20), rules("group", shares=Shares(valid=0, test=0)))) == {"train"}


def test_whole_outlets_are_held_out_over_both_sources() -> None:
    found = records(60, outlet=lambda number: f"account {number % 12}") + records(
        30, "posts", outlet=lambda number: f"account {number % 15}"
    )
    parts = parts_of(found, rules("outlet", "letters", "posts"))
    of_outlet: dict[str | None, set[str]] = {}
    for record, part in zip(found, parts, strict=True):
        of_outlet.setdefault(record.article.outlet, set()).add(part)
    assert all(len(own) == 1 for own in of_outlet.values())
    assert abs(Counter(parts)["test"] - 27) <= 6


def test_texts_without_an_outlet_are_held_out_by_group() -> None:
    parts = parts_of(records(40), rules("outlet"))
    assert abs(Counter(parts)["test"] - 12) <= 1


def test_the_latest_dates_are_held_out() -> None:
    found = records(30, published=lambda number: f"2024-05-{number % 10 + 1:02}T08:00:00")
    parts = parts_of(found, rules("date"))
    dates = {
        part: {r.article.published for r, own in zip(found, parts, strict=True) if own == part} for part in set(parts)
    }
    assert Counter(parts) == {"train": 15, "valid": 6, "test": 9}
    assert max(map(str, dates["train"])) < min(map(str, dates["valid"]))
    assert max(map(str, dates["valid"])) < min(map(str, dates["test"]))


def test_a_text_without_a_date_is_named_when_dates_decide() -> None:
    found = records(3, published=lambda number: "May 2024" if number == 1 else "2024-05-01")
    with pytest.raises(CorpusError, match="letters is split by date, but text 'letters-001' has no `published`"):
        parts_of(found, rules("date"))


def test_a_group_that_would_straddle_goes_to_the_most_held_out_part() -> None:
    found = records(10, published=lambda number: f"2024-05-{number + 1:02}")
    groups = [record.article.id for record in found]
    groups[0] = groups[9]
    groups[1] = groups[6]
    parts = parts_of(found, rules("date"), groups)
    assert parts == ["test", "valid", "train", "train", "train", "valid", "valid", "test", "test", "test"]


def test_narratives_are_spread_over_the_parts() -> None:
    codes = ["china-partner", "bio-health", "multipolar-order", "russia-partner"]
    found = records(80, labels=lambda number: Labels(role="carries", narratives=(codes[number % 4],), africa=True))
    parts = parts_of(found, rules("group"))
    counts = Counter((record.labels.narratives, part) for record, part in zip(found, parts, strict=True))
    assert min(counts.values()) >= 2
    assert len(counts) == 12
