"""Labels turned round on purpose are found, the others are not."""

from __future__ import annotations

import random
import sys

import pytest

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.errors import MissingExtra
from fimiscope.records import Labels, Verdict
from fimiscope.review.label_errors import LEAST_OF_A_VALUE, suspects

TEXTS = 120


def labelled(codebook: Codebook, number: int, chance: random.Random) -> tuple[Labels, Verdict]:
    """A text with a label, and a model that finds it likely, more or less."""
    role = codebook.role_codes[number % len(codebook.role_codes)]
    code = codebook.narrative_codes[number % 2]
    sure = 0.6 + 0.35 * chance.random()
    others = (1 - sure) / (len(codebook.role_codes) - 1)
    verdict = Verdict(
        str(number),
        "scored",
        flag_probability=sure,
        role={one: sure if one == role else others for one in codebook.role_codes},
        role_label=role,
        narratives={one: sure if one == code else 1 - sure for one in codebook.narrative_codes},
        africa=sure,
    )
    return Labels(role=role, narratives=(code,), africa=True), verdict


def test_turned_labels_are_found_worst_first(codebook: Codebook) -> None:
    chance = random.Random(7)
    texts = [labelled(codebook, number, chance) for number in range(TEXTS)]
    turned = {5: NO_ROLE, 50: NO_ROLE, 81: NO_ROLE}
    for number, role in turned.items():
        labels, verdict = texts[number]
        assert labels.role != role
        texts[number] = Labels(role=role, narratives=labels.narratives, africa=True), verdict
    first, second = codebook.narrative_codes[:2]
    texts[20] = Labels(role=texts[20][0].role, narratives=(second,), africa=True), texts[20][1]
    found = suspects(texts, codebook)
    by_index = {one.index: one for one in found}
    # Where the model is hardly sure the label stands.
    assert {*turned, 20} >= by_index.keys() >= {5, 20, 50}
    assert all(by_index[number].field == "role" and by_index[number].given == NO_ROLE for number in (5, 50))
    assert by_index[5].likelier == codebook.role_codes[5 % 4]
    assert by_index[20].field in (first, second)
    assert [one.quality for one in found] == sorted(one.quality for one in found)


def test_a_value_that_few_texts_have_is_not_judged(codebook: Codebook) -> None:
    chance = random.Random(7)
    texts = [labelled(codebook, number, chance) for number in range(TEXTS)]
    kept = [pair for pair in texts if pair[0].role != NO_ROLE]
    for _ in range(LEAST_OF_A_VALUE - 1):
        labels, verdict = kept.pop(0)
        kept.append((Labels(role=NO_ROLE, narratives=labels.narratives, africa=True), verdict))
    assert suspects(kept, codebook) == []
    assert suspects([], codebook) == []


def test_without_the_extra_one_line_names_it(codebook: Codebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(MissingExtra, match=r"cleanlab is not installed: run .* -e '\.\[review\]'"):
        suspects([labelled(codebook, 0, random.Random(7))], codebook)
