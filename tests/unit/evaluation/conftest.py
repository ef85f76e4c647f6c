"""Invented labels and verdicts for the evaluation tests; no model is needed to measure one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.records import Article, Evidence, Labels, Span, Verdict

Pair = tuple[Example, Verdict]


@pytest.fixture(scope="session")
def example() -> Callable[..., Example]:
    """A labelled article: role `none` about nothing unless said otherwise."""

    def make(number: int, *, language: str = "en", source: str = "wire", group: str = "", **labels: Any) -> Example:
        given = {"role": "none", "actors": (), "narratives": (), "africa": False, "evidence": ()} | labels
        article = Article(f"text {number}", "", language=language)
        return Example(article, Labels(**given), source, "test", group or f"group {number}", 0, 1.0)

    return make


@pytest.fixture(scope="session")
def verdict(codebook: Codebook) -> Callable[..., Verdict]:
    """A verdict that says `role`, with the given flag probability and a threshold of one half."""

    def make(
        number: int, role: str = "none", probability: float = 0.1, narratives: tuple[str, ...] = (), **rest: Any
    ) -> Verdict:
        likely = dict.fromkeys(codebook.role_codes, 0.1) | {role: 0.7}
        scores = {code: 0.9 if code in narratives else 0.05 for code in codebook.narrative_codes}
        fields = {
            "status": "scored",
            "flag": probability >= 0.5,
            "flag_probability": probability,
            "role": likely,
            "role_label": role,
            "actors": dict.fromkeys(codebook.actor_codes, 0.2),
            "narratives": scores,
            "narratives_flagged": narratives,
            "africa": 0.9 if probability >= 0.5 else 0.2,
            "evidence": (),
            "language": "en",
        }
        return Verdict(id=f"text {number}", **(fields | rest))

    return make


@pytest.fixture(scope="session")
def many(example: Callable[..., Example], verdict: Callable[..., Verdict], codebook: Codebook) -> list[Pair]:
    """Eighty articles of two languages and two sources, in groups of four, judged by an imperfect model."""
    random = np.random.default_rng(3)
    pairs = []
    for number in range(80):
        role = codebook.role_codes[number % 4]
        code = codebook.narrative_codes[number % 10]
        africa = bool(random.random() < 0.7)
        flagged = role != "none" and africa
        gold = example(
            number,
            language="fr" if number % 3 else "en",
            source="wire" if number % 5 else "blog",
            group=f"family {number // 4}",
            role=role,
            africa=africa,
            narratives=() if role == "none" else (code,),
            actors=() if role == "none" else ("russia",),
            evidence=() if role == "none" else (Span(10, 40),),
        )
        right = random.random() < 0.75
        given_role = role if right else codebook.role_codes[int(random.integers(4))]
        probability = float(np.clip(random.normal(0.7 if flagged else 0.3, 0.2), 0.001, 0.999))
        given_code = code if right else codebook.narrative_codes[int(random.integers(10))]
        quote = Evidence(15, 38, "words", "role", 0.8)
        status = "abstained" if number % 17 == 0 else "scored"
        pairs.append(
            (
                gold,
                verdict(
                    number,
                    given_role,
                    probability,
                    () if given_role == "none" else (given_code,),
                    status=status,
                    flag=None if status == "abstained" else probability >= 0.5,
                    evidence=() if given_role == "none" else (quote,),
                    actors={"russia": 0.6, "china": 0.4},
                ),
            )
        )
    pairs.append(
        (example(80, role="carries", africa=True), Verdict("text 80", "failed", "empty", article={}, model={}))
    )
    return pairs
