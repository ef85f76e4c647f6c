"""Shortcuts that a model must beat: what a text's source, language, length or outlet alone would say.

None of them reads what a text says. Where a model is no better, the figures show where texts come from, and not what
they claim (shortcut learning: Geirhos et al. 2020).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.config import LexicalConfig
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.auditing import length_band
from fimiscope.corpus.examples import PARTS
from fimiscope.evaluation.judged import LIKELY
from fimiscope.evaluation.weighted import Floats
from fimiscope.progress import silent
from fimiscope.records import Verdict
from fimiscope.training.lexical import fit_lexical
from fimiscope.training.targets import targets_of

MAJORITY, SOURCE, LANGUAGE, LENGTH, OUTLET_WORDS = (
    *("majority", "source majority", "language majority"),
    *("length alone", "outlet words alone"),
)
SHORTCUTS = (MAJORITY, SOURCE, LANGUAGE, LENGTH, OUTLET_WORDS)
_HANDLE_OR_HOST = re.compile(r"(?<!\w)@\w+|(?<=://)[\w.-]+")
_WORDS = LexicalConfig(words=(1, 2), characters=(3, 5), buckets=2**14)


@dataclass(frozen=True, slots=True)
class _Habit:
    """What texts of one kind mostly are."""

    role: dict[str, float]
    flag: float
    africa: float
    actors: dict[str, float]
    narratives: dict[str, float]


def shortcut_rules(corpus: Corpus) -> dict[str, list[Verdict]]:
    """One verdict a test text by each shortcut, learned from the training texts as they weigh in training.

    The threshold of the flag is found on the validation part, as a model's is. The names are rows of tables:

    - The majority of all texts, of those of the same source, language, or band of lengths. A kind that was
      not trained on gets the habits of all texts together.
    - The word model on what shows where a text comes from: the names of its source and outlet, handles, hosts of links,
      and names of sources and outlets trained on that stand in the text.
    """
    codebook, train, valid, test = (corpus.codebook, *(corpus.part(part) for part in PARTS))
    keys: dict[str, Callable[[Example], Hashable]] = {
        MAJORITY: _nothing,
        SOURCE: lambda example: example.source,
        LANGUAGE: lambda example: example.article.language,
        LENGTH: length_band,
    }
    texts = [*valid, *test]
    habits = {name: _majorities(train, texts, codebook, key) for name, key in keys.items()}
    habits[OUTLET_WORDS] = _by_outlet_words(train, texts, codebook)
    flagged = [codebook.flagged(example.labels) for example in valid]
    rules = {}
    for name, found in habits.items():
        cut = _threshold(np.array([habit.flag for habit in found[: len(valid)]]), flagged)
        tested = zip(test, found[len(valid) :], strict=True)
        rules[name] = [_verdict(example, habit, codebook, cut) for example, habit in tested]
    return rules


def majority_rule(train: Sequence[Example], test: Sequence[Example], codebook: Codebook) -> list[Verdict]:
    """The same verdict for every text: what training texts mostly are."""
    habits = _majorities(train, test, codebook, _nothing)
    return [_verdict(example, habit, codebook, LIKELY) for example, habit in zip(test, habits, strict=True)]


def _threshold(probability: Floats, flagged: Sequence[bool | None]) -> float:
    """The one with the best F1 on these texts."""
    known = np.array([flag is not None for flag in flagged], dtype=bool)
    gold, stated = np.array(flagged, dtype=bool)[known], probability[known]
    if not gold.any():
        return LIKELY
    levels = np.unique(stated)
    given = stated >= levels[:, None]
    return float(levels[np.argmax(2 * (given & gold).sum(axis=1) / (given.sum(axis=1) + gold.sum()))])


def _nothing(example: Example) -> None:
    """What texts have in common of which nothing is known."""


def _majorities(
    train: Sequence[Example], test: Sequence[Example], codebook: Codebook, key: Callable[[Example], Hashable]
) -> list[_Habit]:
    alike: dict[Hashable, list[Example]] = defaultdict(list)
    for example in train:
        alike[key(example)].append(example)
    habits = {kind: _habit(examples, codebook) for kind, examples in alike.items()}
    anywhere = _habit(train, codebook)
    return [habits.get(key(example), anywhere) for example in test]


def _habit(examples: Sequence[Example], codebook: Codebook) -> _Habit:
    labels = [example.labels for example in examples]
    role = {code: _share(examples, [one.role == code for one in labels]) for code in codebook.role_codes}
    usual = max(codebook.role_codes, key=lambda code: role[code])
    same = [example for example in examples if example.labels.role == usual]
    return _Habit(
        role=role,
        flag=_share(examples, [codebook.flagged(one) is True for one in labels]),
        africa=_share(examples, [one.africa is True for one in labels]),
        actors={c: _share(examples, [c in (one.actors or ()) for one in labels]) for c in codebook.actor_codes},
        narratives={
            c: _share(same, [c in (one.labels.narratives or ()) for one in same]) for c in codebook.narrative_codes
        },
    )


def _share(examples: Sequence[Example], having: Sequence[bool]) -> float:
    """Share of the examples that have something, each counted by its weight."""
    weights = [example.weight for example in examples]
    return sum(weight for weight, has in zip(weights, having, strict=True) if has) / (sum(weights) or 1.0)


def _by_outlet_words(train: Sequence[Example], test: Sequence[Example], codebook: Codebook) -> list[_Habit]:
    names = {_plain(name) for example in train for name in (example.source, example.article.outlet) if name}
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?!\w)")
    heads = codebook.heads()
    texts = [_outlet_words(example, named) for example in train]
    model = fit_lexical(texts, targets_of(train, codebook), heads, _WORDS, progress=silent)
    slices = head_slices(heads)
    habits = []
    for example in test:
        logits = np.asarray(model.logits(_outlet_words(example, named)), dtype=np.float64)
        roles = np.exp(logits[slices["role"]] - logits[slices["role"]].max())
        likely = {
            head.name: dict(zip(head.labels, (1 / (1 + np.exp(-logits[slices[head.name]]))).tolist(), strict=True))
            for head in heads
        }
        habits.append(
            _Habit(
                role=dict(zip(codebook.role_codes, (roles / roles.sum()).tolist(), strict=True)),
                flag=likely["flag"]["flag"],
                africa=likely["africa"]["africa"],
                actors=likely["actors"],
                narratives=likely["narratives"],
            )
        )
    return habits


def _outlet_words(example: Example, named: re.Pattern[str]) -> str:
    text = example.labelled_article().text
    own = [_plain(name) for name in (example.source, example.article.outlet) if name]
    return " ".join([*own, *_HANDLE_OR_HOST.findall(text), *named.findall(_plain(text))])


def _plain(name: str) -> str:
    return name.replace("_", " ").casefold()


def _verdict(example: Example, habit: _Habit, codebook: Codebook, threshold: float) -> Verdict:
    role = max(codebook.role_codes, key=lambda code: habit.role[code])
    likeliest = max(codebook.narrative_codes, key=lambda code: habit.narratives[code])
    return Verdict(
        id=example.article.id,
        status="scored",
        flag=habit.flag >= threshold,
        flag_probability=habit.flag,
        role=habit.role,
        role_label=role,
        actors=habit.actors,
        narratives=habit.narratives,
        narratives_flagged=() if role == NO_ROLE else (likeliest,),
        africa=habit.africa,
        evidence=None,
        language=example.article.language,
    )
