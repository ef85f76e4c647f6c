"""What is drawn whole when texts are drawn again: texts that are not independent of one another."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from fimiscope.corpus import Example
from fimiscope.evaluation.weighted import Floats

_DATE = len("2024-05-31")
_CELLS_AT_ONCE = 4_000_000


def sampling_units(examples: Sequence[Example]) -> tuple[str, ...]:
    """The unit of each text, by a name that all texts of the unit share.

    Near-copies and families are one unit everywhere. In a source of several accounts, of which none wrote half of the
    texts, the texts of an account are one unit besides; in any other source those of a week, where they are dated.
    """
    by_source: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_source[example.source].append(example)
    accounts = {source for source, members in by_source.items() if _has_accounts(members)}
    joined: dict[Hashable, Hashable] = {}

    def root(name: Hashable) -> Hashable:
        while (above := joined.setdefault(name, name)) != name:
            name = above
        return name

    for example in examples:
        circle = _circle(example, example.source in accounts)
        if circle is not None:
            joined[root(example.group)] = root(circle)
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


def _has_accounts(members: Sequence[Example]) -> bool:
    outlets = Counter(example.article.outlet for example in members if example.article.outlet)
    return 2 * max(outlets.values(), default=0) < outlets.total()


def _circle(example: Example, of_accounts: bool) -> Hashable | None:
    """The account or the week of a text; `None` where neither is known."""
    if of_accounts:
        if example.article.outlet is None:
            return None
        return ("account", example.source, example.article.outlet)
    try:
        date = datetime.date.fromisoformat((example.article.published or "")[:_DATE])
    except ValueError:
        return None
    return ("week", example.source, *date.isocalendar()[:2])
