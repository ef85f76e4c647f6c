"""Labels that the model contradicts so clearly that a person should look again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fimiscope.codebook import Codebook
from fimiscope.errors import MissingExtra
from fimiscope.records import Labels, Verdict

LEAST_OF_A_VALUE = 5
"""Labelled texts of a value below which a model's probabilities say nothing of its labels."""
Labelled = tuple[Labels, Verdict]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is probably wrong.

    Attributes:
        index: of the text in what was given.
        field: `role`, `africa`, or the code of an actor or narrative.
        given: the label.
        likelier: what the model holds for likelier, with `probability`.
        quality: probability that the model gives to the label: the lower, the more suspect.
    """

    index: int
    field: str
    given: str
    likelier: str
    probability: float
    quality: float


def suspects(texts: Sequence[Labelled], codebook: Codebook) -> list[Suspect]:
    """The suspected label errors by confident learning (Northcutt, Jiang and Chuang 2021), one a text, worst first.

    The probabilities must come from a model that has not learned from these labels: one that has agrees with them.

    Raises:
        MissingExtra: cleanlab is not installed.
    """
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ModuleNotFoundError as error:
        raise MissingExtra("cleanlab", "review") from error
    worst: dict[int, Suspect] = {}
    for field, values, indices, given, probabilities in _questions(texts, codebook):
        issues = find_label_issues(given, probabilities, n_jobs=1)
        quality = get_label_quality_scores(given, probabilities)
        for place in np.flatnonzero(issues):
            likelier = int(np.argmax(probabilities[place]))
            found = Suspect(
                indices[place],
                field,
                values[given[place]],
                values[likelier],
                float(probabilities[place, likelier]),
                float(quality[place]),
            )
            if found.index not in worst or found.quality < worst[found.index].quality:
                worst[found.index] = found
    return sorted(worst.values(), key=lambda one: (one.quality, one.index))


_Question = tuple[str, tuple[str, ...], list[int], npt.NDArray[np.int64], npt.NDArray[np.float64]]


def _questions(texts: Sequence[Labelled], codebook: Codebook) -> Iterator[_Question]:
    """Of each field: its name and values, which texts have it, their labels (texts,) and probabilities (texts, values).

    Only values that enough texts have are asked for.
    """
    yield from _question(
        "role",
        codebook.role_codes,
        [(labels.role, _of_roles(verdict, codebook)) for labels, verdict in texts],
    )
    yield from _yes_or_no("africa", [(labels.africa, verdict.africa) for labels, verdict in texts])
    for group, codes in (("actors", codebook.actor_codes), ("narratives", codebook.narrative_codes)):
        for code in codes:
            answers: list[tuple[bool | None, float | None]] = []
            for labels, verdict in texts:
                given, scores = getattr(labels, group), getattr(verdict, group)
                answers.append((None if given is None else code in given, (scores or {}).get(code)))
            yield from _yes_or_no(code, answers)


def _of_roles(verdict: Verdict, codebook: Codebook) -> list[float] | None:
    return None if verdict.role is None else [verdict.role.get(code, 0.0) for code in codebook.role_codes]


def _yes_or_no(field: str, answers: Sequence[tuple[bool | None, float | None]]) -> Iterator[_Question]:
    names = {True: "yes", False: "no", None: None}
    scored = [(names[given], None if yes is None else [1 - yes, yes]) for given, yes in answers]
    yield from _question(field, ("no", "yes"), scored)


def _question(
    field: str, values: tuple[str, ...], answers: Sequence[tuple[str | None, list[float] | None]]
) -> Iterator[_Question]:
    asked = [(i, given, p) for i, (given, p) in enumerate(answers) if given is not None and p is not None]
    labels = [given for _, given, _ in asked]
    kept = tuple(value for value in values if labels.count(value) >= LEAST_OF_A_VALUE)
    asked = [one for one in asked if one[1] in kept]
    if len(kept) < 2:
        return
    columns = [values.index(value) for value in kept]
    chosen = np.array([probabilities for _, _, probabilities in asked])[:, columns]
    # Rounded files and left-out values do not sum to one.
    chosen = np.clip(chosen, 1e-9, None)
    chosen /= chosen.sum(axis=1, keepdims=True)
    yield (
        field,
        kept,
        [index for index, _, _ in asked],
        np.array([kept.index(given) for _, given, _ in asked]),
        chosen,
    )
