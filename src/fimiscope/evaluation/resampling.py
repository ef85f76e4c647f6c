"""What is drawn whole when texts are drawn again: texts that are not independent of one another."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np

from fimiscope.corpus import Example
from fimiscope.evaluation.weighted import Floats

FEWEST_WEEKS = 10
_DATE = len("2024-05-31")
_CELLS_AT_ONCE = 4_000_000


def sampling_units(examples: Sequence[Example]) -> tuple[str, ...]:
    """The unit of each text, by a name that all texts of the unit share.

    Near-copies and families are one unit everywhere. In a source of several accounts, of which none wrote half of the
    texts, the texts of an account are one unit besides; all others of a source are by week, where they are dated, or by
    day where they fill fewer than `FEWEST_WEEKS` weeks: draws of a few weeks tell of no spread. Dates in another form
    than 2024-05-31, such as months, are units as they are written.
    """
    by_source: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_source[example.source].append(example)
    circle_of = {source: _kind_of_circle(members) for source, members in by_source.items()}
    joined: dict[Hashable, Hashable] = {}

    def root(name: Hashable) -> Hashable:
        while (above := joined.setdefault(name, name)) != name:
            name = above
        return name

    for example in examples:
        circle = circle_of[example.source](example)
        if circle is not None:
            joined[root(example.group)] = root((example.source, circle))
    return tuple(str(root(example.group)) for example in examples)


def draws(units: Sequence[str], count: int, seed: int) -> Iterator[Floats]:
    """`count` draws of as many units as there are, with replacement (Efron 1979), in blocks of shape (some, texts).

    The values say how often each text is drawn.
    """
    if not units:
        return
    names, unit_of = np.unique(np.array(units), return_inverse=True)
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // max(1, len(units)))
    for start in range(0, count, at_once):
        often = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=min(at_once, count - start))
        yield often[:, unit_of].astype(float)


def _kind_of_circle(members: Sequence[Example]) -> Callable[[Example], Hashable | None]:
    """What texts of a source hang together by; of a text of which that is not known, it gives `None`."""
    period = _week if len({_week(example) for example in members} - {None}) >= FEWEST_WEEKS else _day
    outlets = Counter(example.article.outlet for example in members if example.article.outlet)
    if outlets and 2 * max(outlets.values()) < len(members):
        return lambda example: example.article.outlet or period(example)
    return period


def _week(example: Example) -> Hashable | None:
    day = _day(example)
    return day.isocalendar()[:2] if isinstance(day, datetime.date) else day


def _day(example: Example) -> datetime.date | str | None:
    """The date; one in another form, for example a month, as it is written."""
    published = (example.article.published or "").strip()
    try:
        return datetime.date.fromisoformat(published[:_DATE])
    except ValueError:
        return published or None
