"""Shortcuts: what is known of a text besides what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.examples import Part
from fimiscope.evaluation.rules import LANGUAGE, LENGTH, MAJORITY, OUTLET_WORDS, SOURCE, majority_rule, shortcut_rules
from fimiscope.records import Verdict

CARRIED = {"role": "carries", "africa": True, "narratives": ("china-partner",), "actors": ("china",)}


def with_text(example: Example, text: str, outlet: str | None = None) -> Example:
    return replace(example, article=replace(example.article, text=text, outlet=outlet), labelled_to=len(text))


def ruled(
    train: Sequence[Example], test: Sequence[Example], codebook: Codebook, valid: Sequence[Example] = ()
) -> dict[str, list[Verdict]]:
    parts: dict[Part, Sequence[Example]] = {"train": train, "valid": valid, "test": test}
    examples = tuple(replace(example, part=part) for part, own in parts.items() for example in own)
    return shortcut_rules(Corpus(examples, (), "", codebook))


def test_a_text_is_judged_by_the_habits_of_its_source(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [
        *(example(n, source="channel", **CARRIED) for n in range(3)),
        example(3, source="channel"),
        *(example(n, source="wire") for n in range(4, 10)),
    ]
    test = [example(20, source="channel"), example(21, source="wire")]
    channel, wire = ruled(train, test, codebook)[SOURCE]
    assert (channel.role_label, channel.flag, channel.flag_probability) == ("carries", True, 0.75)
    assert channel.narratives_flagged == ("china-partner",)
    assert channel.actors == {"russia": 0, "china": 0.75}
    assert channel.role == {"rebuts": 0, "reports": 0, "carries": 0.75, "none": 0.25}
    assert (wire.role_label, wire.flag, wire.flag_probability) == ("none", False, 0)
    assert wire.narratives_flagged == ()


def test_texts_count_as_they_weigh_in_training(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [example(1, **CARRIED), replace(example(2), weight=3.0)]
    [verdict] = majority_rule(train, [example(3)], codebook)
    assert (verdict.role_label, verdict.flag_probability) == ("none", 0.25)


def test_a_shortcut_flags_from_its_best_threshold_on(codebook: Codebook, example: Callable[..., Example]) -> None:
    """A source of which one text in four is flagged is flagged whole, where that finds most of the flags."""
    train = [
        *(example(n, source="channel", **(CARRIED if n == 0 else {})) for n in range(4)),
        *(example(n, source="wire", **(CARRIED if n == 4 else {})) for n in range(4, 14)),
    ]
    valid = [
        *(example(n, source="channel", **(CARRIED if n < 32 else {})) for n in range(30, 36)),
        *(example(n, source="wire") for n in range(36, 48)),
    ]
    test = [example(50, source="channel"), example(51, source="wire")]
    channel, wire = ruled(train, test, codebook, valid)[SOURCE]
    assert (channel.flag_probability, channel.flag) == (0.25, True)
    assert (wire.flag_probability, wire.flag) == (0.1, False)
    assert all(verdict.flag for verdict in ruled(train, test, codebook, valid)[MAJORITY]), "no threshold finds less"


def test_no_shortcut_reads_the_words_of_a_text(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [with_text(example(1, source="channel", **CARRIED), "a bridge opens"), with_text(example(2), "a road ends")]
    test = [with_text(example(3), "a bridge opens"), with_text(example(4), "a road closes")]
    for name, (one, other) in ruled(train, test, codebook).items():
        assert one.role == other.role, name
        assert one.flag_probability == other.flag_probability, name


@pytest.mark.parametrize("name", [SOURCE, LANGUAGE])
def test_what_was_never_trained_on_gets_the_habits_of_all(
    name: str, codebook: Codebook, example: Callable[..., Example]
) -> None:
    train = [example(n, source="channel", role="carries", africa=True) for n in range(2)]
    train += [example(n, source="wire", language="fr") for n in range(2, 8)]
    [unknown] = ruled(train, [example(20, source="blog", language="sw")], codebook)[name]
    assert unknown.flag_probability == pytest.approx(0.25)
    assert unknown.role_label == "none"


def test_language_and_length_are_each_known_alone(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [with_text(example(n, language="fr", **CARRIED), "long " * 99) for n in range(3)]
    train += [with_text(example(n), "short") for n in range(3, 7)]
    test = [with_text(example(8, language="fr"), "short"), with_text(example(9), "long " * 99)]
    rules = ruled(train, test, codebook)
    assert [verdict.role_label for verdict in rules[LANGUAGE]] == ["carries", "none"]
    assert [verdict.role_label for verdict in rules[LENGTH]] == ["none", "carries"]
    assert [verdict.role_label for verdict in rules[MAJORITY]] == ["none", "none"]


def test_names_handles_and_hosts_give_an_outlet_away(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [
        with_text(example(n, source="friendly_channel", **CARRIED), "Words @FriendVoice", "Friendly Voice")
        for n in range(4)
    ]
    train += [with_text(example(n), "Words https://wire.example.org/a", "The Wire") for n in range(4, 10)]
    texts = ("Told to Friendly Voice.", "Told by @FriendVoice.", "See https://wire.example.org/b", "Told to The Wire.")
    test = [with_text(example(20 + n, source="blog"), text) for n, text in enumerate(texts)]
    named, handled, linked, wired = (verdict.role_label for verdict in ruled(train, test, codebook)[OUTLET_WORDS])
    assert (named, handled, linked, wired) == ("carries", "carries", "none", "none")


def test_every_shortcut_gives_one_verdict_a_text(codebook: Codebook, example: Callable[..., Example]) -> None:
    train = [example(n, role=codebook.role_codes[n % 4], africa=True) for n in range(8)]
    rules = ruled(train, [example(20), example(21, language="fr")], codebook)
    assert list(rules) == [MAJORITY, SOURCE, LANGUAGE, LENGTH, OUTLET_WORDS]
    assert all([verdict.id for verdict in verdicts] == ["text 20", "text 21"] for verdicts in rules.values())
