"""How far annotators agree: Krippendorff's alpha of every field and code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from fimiscope.codebook import Codebook
from fimiscope.errors import MissingExtra
from fimiscope.records import Labels
from fimiscope.review.readings import Key, Reading
from fimiscope.tables import Table


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on one field or code.

    Attributes:
        field: `role`, `africa`, `actors/<code>` or `narratives/<code>`.
        alpha: Krippendorff's alpha, nominal: 1 full agreement, 0 as by chance; `None` where all readings say the same.
        texts: that two or more annotators read.
        agreed: of these, on how many all annotators say the same.
        said_yes: of these, on how many anyone chose the code; `None` for the role.
    """

    field: str
    alpha: float | None
    texts: int
    agreed: int
    said_yes: int | None = None


def agreements(readings: Iterable[Reading], codebook: Codebook) -> list[Agreement]:
    """Role, Africa, then each actor and narrative of the codebook.

    Raises:
        MissingExtra: krippendorff is not installed.
    """
    by_text: dict[Key, list[Labels]] = defaultdict(list)
    for reading in readings:
        by_text[reading.key].append(reading.labels)
    twice = [labels for labels in by_text.values() if len(labels) > 1]
    questions: dict[str, Callable[[Labels], Hashable]] = {"role": attrgetter("role"), "africa": attrgetter("africa")}
    questions |= {f"actors/{code}": partial(_has, "actors", code) for code in codebook.actor_codes}
    questions |= {f"narratives/{code}": partial(_has, "narratives", code) for code in codebook.narrative_codes}
    return [_agreement(field, twice, value) for field, value in questions.items()]


def alpha(values: Sequence[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal data (Krippendorff 2011), by the package of this name.

    Args:
        values: of each text what its annotators said, in any order; texts with one annotator do not count.

    Returns:
        `None` where there is nothing to compare, or no two different values.

    Raises:
        MissingExtra: krippendorff is not installed.
    """
    try:
        import krippendorff
    except ModuleNotFoundError as error:
        raise MissingExtra("krippendorff", "review") from error
    compared = [own for own in values if len(own) > 1]
    domain = list(dict.fromkeys(value for own in compared for value in own))
    if len(domain) < 2:
        return None
    counts = [[Counter(own)[value] for value in domain] for own in compared]
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def agreement_table(found: Sequence[Agreement]) -> Table:
    rows = tuple(
        (
            one.field,
            "–" if one.alpha is None else f"{one.alpha:.2f}",
            one.texts,
            one.agreed,
            "" if one.said_yes is None else str(one.said_yes),
        )
        for one in found
    )
    note = (
        "alpha: Krippendorff's, nominal; – where all readings say the same. Of texts read by two or more: said yes, "
        "by anyone. A code that is seldom chosen has an uncertain alpha."
    )
    return Table("Agreement of annotators", ("field", "alpha", "read twice", "agreed", "said yes"), rows, note)


def _has(group: str, code: str, labels: Labels) -> bool:
    return code in (getattr(labels, group) or ())


def _agreement(field: str, twice: Sequence[Sequence[Labels]], value: Callable[[Labels], Hashable]) -> Agreement:
    values = [[value(labels) for labels in own] for own in twice]
    agreed = sum(len(set(own)) == 1 for own in values)
    said_yes = None if field == "role" else sum(any(own) for own in values)
    return Agreement(field, alpha(values), len(values), agreed, said_yes)
