"""Trivial rules that a model must beat: what the origin of a text alone would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.corpus import Example
from fimiscope.records import Verdict


@dataclass(frozen=True, slots=True)
class _Habit:
    """What texts of one origin mostly are."""

    role: dict[str, float]
    flag: float
    africa: float
    actors: dict[str, float]
    narratives: dict[str, float]


def origin_rule(train: Sequence[Example], test: Sequence[Example], codebook: Codebook) -> list[Verdict]:
    """Verdicts that know the source of a text and nothing of its words.

    A source that was not trained on gets the habits of all sources together.
    """
    habits = {
        source: _habit([example for example in train if example.source == source], codebook)
        for source in {example.source for example in train}
    }
    anywhere = _habit(train, codebook)
    return [_verdict(example, habits.get(example.source, anywhere), codebook) for example in test]


def _habit(examples: Sequence[Example], codebook: Codebook) -> _Habit:
    labels = [example.labels for example in examples]
    count = max(1, len(labels))
    roles = Counter(one.role for one in labels)
    role = max(codebook.role_codes, key=lambda code: roles[code])
    same = [one for one in labels if one.role == role]
    return _Habit(
        role={code: roles[code] / count for code in codebook.role_codes},
        flag=sum(codebook.flagged(one) is True for one in labels) / count,
        africa=sum(one.africa is True for one in labels) / count,
        actors={c: sum(c in (one.actors or ()) for one in labels) / count for c in codebook.actor_codes},
        narratives={
            c: sum(c in (one.narratives or ()) for one in same) / max(1, len(same)) for c in codebook.narrative_codes
        },
    )


def _verdict(example: Example, habit: _Habit, codebook: Codebook) -> Verdict:
    role = max(codebook.role_codes, key=lambda code: habit.role[code])
    likeliest = max(codebook.narrative_codes, key=lambda code: habit.narratives[code])
    return Verdict(
        id=example.article.id,
        status="scored",
        flag=habit.flag >= 0.5,
        flag_probability=habit.flag,
        role=habit.role,
        role_label=role,
        actors=habit.actors,
        narratives=habit.narratives,
        narratives_flagged=() if role == NO_ROLE else (likeliest,),
        africa=habit.africa,
        evidence=(),
        language=example.article.language,
    )
