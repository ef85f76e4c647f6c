"""What is drawn whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fimiscope.corpus import Example
from fimiscope.evaluation.resampling import draws, sampling_units

Place = Callable[..., Example]


@pytest.fixture
def placed(example: Callable[..., Example]) -> Place:
    def make(number: int, outlet: str | None = None, published: str | None = None, **rest: str) -> Example:
        bare = example(number, **rest)
        return replace(bare, article=replace(bare.article, outlet=outlet, published=published))

    return make


def test_near_copies_are_one_unit(placed: Place) -> None:
    units = sampling_units([placed(1, group="a"), placed(2, group="a"), placed(3, group="b")])
    assert units[0] == units[1] != units[2]


def test_posts_are_drawn_by_account(placed: Place) -> None:
    posts = [placed(n, outlet=f"account {n % 3}", published=f"2024-05-{n + 1:02}") for n in range(9)]
    units = sampling_units(posts)
    assert len(set(units)) == 3
    assert units[0] == units[3] == units[6]


def test_a_dated_source_of_one_outlet_is_drawn_by_week(placed: Place) -> None:
    weeks = [f"2023-{month:02}-15" for month in range(1, 9)]
    dates = ("2024-04-29", "2024-05-05T08:00", "2024-05-06", "2025-04-30", None, "May", *weeks)
    units = sampling_units([placed(n, outlet="channel", published=date) for n, date in enumerate(dates)])
    assert units[0] == units[1], "Monday and Sunday of one week"
    assert len(set(units[:6])) == 5, "another week, the same week of another year, and two without a date"


def test_a_source_of_few_weeks_is_drawn_by_day(placed: Place) -> None:
    dates = [f"2024-05-{6 + n // 2:02}" for n in range(14)]
    units = sampling_units([placed(n, outlet="channel", published=date) for n, date in enumerate(dates)])
    assert units[0] == units[1]
    assert len(set(units)) == 7


def test_months_and_other_forms_of_dates_are_units_as_they_are_written(placed: Place) -> None:
    dates = ("2019-12", "2019-12", "2020-01", "May 1, 2024", "May 1, 2024", "01.05.2024")
    units = sampling_units([placed(n, outlet="blog", published=date) for n, date in enumerate(dates)])
    assert units[0] == units[1]
    assert units[3] == units[4]
    assert len(set(units)) == 4


def test_texts_without_an_account_are_drawn_by_date(placed: Place) -> None:
    named = [placed(n, outlet=f"account {n // 2}", published="2024-05-01") for n in range(6)]
    others = [placed(10 + n, published="2024-05-02") for n in range(20)]
    assert len(set(sampling_units([*named, *others]))) == 4


def test_one_name_over_most_texts_is_no_account(placed: Place) -> None:
    texts = [placed(n, outlet="other" if n == 0 else "think tank") for n in range(6)]
    assert len(set(sampling_units(texts))) == 6


def test_copies_join_accounts_and_weeks(placed: Place) -> None:
    posts = [placed(n, outlet=f"account {n // 2}", group=f"group {n}") for n in range(6)]
    posts[2] = replace(posts[2], group=posts[0].group)
    assert len(set(sampling_units(posts))) == 2


def test_sources_are_apart(placed: Place) -> None:
    texts = [placed(n, published="2024-05-01", source=f"wire {n}") for n in range(2)]
    assert len(set(sampling_units(texts))) == 2


def test_units_come_whole_and_as_many_as_there_are() -> None:
    units = ("a", "a", "b", "c", "c", "c")
    weights = np.concatenate(list(draws(units, 50, seed=1)))
    assert weights.shape == (50, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(6), abs=0.5)
    assert list(draws((), 5, seed=1)) == []
