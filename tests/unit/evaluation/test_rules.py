"""The rule that knows where a text comes from and nothing of what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.rules import origin_rule


def test_a_text_is_judged_by_the_habits_of_its_source(codebook: Codebook, example: Callable[..., Example]) -> None:
    carried = {"role": "carries", "africa": True, "narratives": ("china-partner",), "actors": ("china",)}
    train = [
        *(example(n, source="channel", **carried) for n in range(3)),
        example(3, source="channel"),
        *(example(n, source="wire") for n in range(4, 10)),
    ]
    channel, wire = origin_rule(train, [example(20, source="channel"), example(21, source="wire")], codebook)
    assert (channel.role_label, channel.flag, channel.flag_probability) == ("carries", True, 0.75)
    assert channel.narratives_flagged == ("china-partner",)
    assert channel.actors == {"russia": 0, "china": 0.75}
    assert channel.role == {"rebuts": 0, "reports": 0, "carries": 0.75, "none": 0.25}
    assert (wire.role_label, wire.flag, wire.flag_probability) == ("none", False, 0)
    assert wire.narratives_flagged == ()


def test_the_words_of_a_text_do_not_matter(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [example(1, source="channel", role="carries", africa=True), example(2, source="wire")]
    one, other = origin_rule(
        train, [example(3, source="wire", role="carries", africa=True), example(4, source="wire")], codebook
    )
    assert one.flag_probability == other.flag_probability


def test_a_source_never_trained_on_gets_the_habits_of_all(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [example(n, source="channel", role="carries", africa=True) for n in range(2)]
    train += [example(n, source="wire") for n in range(2, 8)]
    [unknown] = origin_rule(train, [example(20, source="blog")], codebook)
    assert unknown.flag_probability == pytest.approx(0.25)
    assert unknown.role_label == "none"
