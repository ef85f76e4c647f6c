"""Sentences in English, French, Arabic and Chinese, and what holds for every text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.reading import sentences


def cut(text: str, most_words: int = 60) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, most_words=most_words)]


@pytest.mark.parametrize(
    "parts",
    [
        ["The council met.", "It said no!", "Why?", "Nobody knows…", "The end"],
        ["M. Sow et Mme Ba ont parlé.", "Le Dr. Diop aussi."],
        ["J. F. Sow lives in the U.S. and works at 5 p.m. every day.", "He said so."],
        ["She lives in the U.S.", "The army left."],
        ["Voir p. 5 et art. 12 du texte.", "Puis le no. 7."],
        ["It fell by 3.5 percent in the 2.0 version.", "It rose after."],
        ["Prices, wages, etc. rose.", "They fell in Jan. 2024, in St. Louis vs. Bala."],
        ["« Oui », dit-il.", "« Pourquoi ? » demande le maire.", "Il rit."],
        ["Il a dit : « Le marché rouvre. »", "Puis il est parti."],
        ['"We won." said he, and "we left!"', "Then they came."],
        ["Le 12. Mars 2024 la pluie tomba.", "Il y en eut 12.", "Les autres partirent."],
        ["Quoi ?!", "Rien..."],
        ["قال الوزير نعم.", "هل يعود السوق؟", "لا۔"],
        ["የከተማው ምክር ቤት ተሰበሰበ።", "ገበያው ተከፈተ።"],
        ["First:", "• one item", "• another item"],
    ],
)
def test_sentences_are_parted(parts: list[str]) -> None:
    assert cut(" ".join(parts)) == parts
    assert cut("\n\n  ".join(parts)) == parts


@pytest.mark.parametrize(
    "lines", [["No end here", "and a new line"], ["1. Le marché rouvre.", "2. Les prix baissent."], ["- un", "- deux"]]
)
def test_line_ends_part_sentences(lines: list[str]) -> None:
    assert cut("\n".join(lines)) == lines
    assert cut("\r\n\r\n".join(lines)) == lines


def test_chinese_needs_no_spaces() -> None:
    assert cut("市场开放了。价格下降！为什么？“好。”他说") == [
        "市场开放了。",
        "价格下降！",
        "为什么？",
        "“好。”",
        "他说",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("La France part de ces pays.Les soldats rentrent.", ["La France part de ces pays.", "Les soldats rentrent."]),
        ('un avenir commun."Il a appelé', ['un avenir commun."', "Il a appelé"]),
        ("rapporte RTN.Le plan", ["rapporte RTN.", "Le plan"]),
        ("voir Google.com et l'U.R.S.S. ici", ["voir Google.com et l'U.R.S.S. ici"]),
    ],
)
def test_lost_spaces_between_sentences(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    text = "un deux trois, quatre cinq six sept, huit neuf dix onze douze"
    assert cut(text, most_words=8) == ["un deux trois, quatre cinq six sept,", "huit neuf dix onze douze"]
    assert cut(text, most_words=3) == ["un deux trois,", "quatre cinq six", "sept, huit neuf", "dix onze douze"]


def test_a_long_run_without_spaces_is_cut_by_length() -> None:
    assert [len(piece) for piece in cut("中" * 500)] == [120, 120, 120, 120, 20]
    assert max(len(piece) for piece in cut("x" * 10_000)) == 60 * 40


def test_a_letter_and_its_mark_are_not_parted() -> None:
    text = "e\u0301" * 5000
    assert all(piece.startswith("e") for piece in cut(text))


def test_an_impossible_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sentences("mot", most_words=0)


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_gives_no_sentence(text: str) -> None:
    assert cut(text) == []


words = ["mot", "Mot", "etc", "M", "U.S", "12", "中文", "قال", "e\u0301", "👩🏽\u200d🌾", "x" * 50]
marks = [*'«»".!…؟。,\n -()•']
pieces = st.lists(st.sampled_from(words + marks), max_size=60).map("".join)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=300), pieces), st.integers(1, 12))
def test_sentences_cover_all_words_in_order_and_stay_short(text: str, most_words: int) -> None:
    end = 0
    for span in sentences(text, most_words=most_words):
        assert end <= span.start < span.end
        assert not text[end : span.start].strip()
        sentence = text[span.start : span.end]
        assert sentence == sentence.strip()
        assert len(sentence.split()) <= most_words
        assert len(sentence) <= 60 * most_words
        end = span.end
    assert not text[end:].strip()
