"""Cleaning keeps every sentence, and every character that it keeps can be found in the original."""

from __future__ import annotations

import html
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.reading import Cleaned, clean
from fimiscope.records import Span

ARABIC = "قال الوزير إنّ السوقَ ستُفتَح غداً في المدينة."
EMOJI = "Le marché 👩🏽‍🌾 rouvre 🇧🇫🏴󠁧󠁢󠁳󠁣󠁴󠁿 demain."
COMBINING = "E\u0301le\u0300ve a\u0323\u0302 ọ̀rọ̀"
PIECES = [
    ARABIC,
    EMOJI,
    COMBINING,
    "The council met on Monday.",
    "https://example.org/a?b=c",
    "@radio_kolo",
    "<p>",
    "</b>",
    "<br/>",
    "&amp;",
    "&eacute;",
    "&nbsp;",
    "{{ video }}",
    "\u200b",
    "\ufeff",
    "\u00ad",
    "\x07",
    "  ",
    "\n",
    "\r\n\r\n",
    "\u2028",
    "\u3000",
    "()",
    "Lire aussi : ",
    "Read also: the market reopens",
    "Share on Facebook",
    "12 mars 2024",
    "(APA) - ",
    "Sources 1/ Radio 2/ Gazette",
    "=====",
    "!",
    "« Oui »",
    "<",
    "&",
    "@",
]
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join),
)


@settings(deadline=None)
@given(texts)
def test_every_kept_character_is_found_in_the_original(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.origin.shape == (len(cleaned.text) + 1,)
    assert cleaned.ends.shape == (len(cleaned.text),)
    assert np.all(cleaned.origin[1:] >= cleaned.ends)
    assert np.all(np.diff(cleaned.origin[:-1]) > 0)
    for letter, start, end in zip(cleaned.text, cleaned.origin, cleaned.ends, strict=False):
        source = text[start:end]
        if letter.isspace():
            assert source.isspace() or source in "<&"
        else:
            assert letter == source or letter == html.unescape(source)


@settings(deadline=None)
@given(texts, st.data())
def test_every_slice_maps_to_the_span_that_it_came_from(text: str, data: st.DataObject) -> None:
    cleaned = clean(text)
    start = data.draw(st.integers(0, len(cleaned.text)))
    end = data.draw(st.integers(start, len(cleaned.text)))
    span = cleaned.to_original(start, end)
    assert 0 <= span.start <= span.end <= len(text)
    kept = [
        letter for letter, origin in zip(cleaned.text, cleaned.origin, strict=False) if span.start <= origin < span.end
    ]
    assert "".join(kept) == cleaned.text[start:end]
    assert cleaned.to_cleaned(span.start, span.end) == Span(start, end)


@settings(deadline=None)
@given(texts)
def test_white_space_comes_out_single_and_never_at_the_edges(text: str) -> None:
    cleaned = clean(text).text
    assert cleaned == cleaned.strip()
    assert not {"  ", "\n\n", " \n", "\n "} & {cleaned[i : i + 2] for i in range(len(cleaned))}
    assert {letter for letter in cleaned if letter.isspace()} <= {" ", "\n"}


@pytest.mark.parametrize("text", [ARABIC, EMOJI, COMBINING, "", "Un seul mot", "Prix : 1 < 2 & 3 > 2 (a)"])
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.text == text
    assert cleaned.origin.tolist() == list(range(len(text) + 1))


def test_a_dirty_repost_keeps_its_sentences_and_their_places() -> None:
    first = "De fausses histoires circulent sur les réseaux, a dit la radio."
    second = "Les comptes sont tenus depuis l'étranger, selon le rapport."
    third = "Le ministère n'a pas répondu aux questions de la rédaction du journal, qui les a posées deux fois."
    text = (
        f"Lundi 12. Mars 2024\n\n<p>{first}&nbsp;&nbsp;{second}</p>\n\n{{{{ }}}}\n\n{third}\n"
        "Partager sur Facebook\nLire aussi : Le marché rouvre\nSources 1/ https://example.org/x 2/ Radio Kolo"
    )
    cleaned = clean(text)
    assert cleaned.text == f"{first} {second}\n{third}"
    for sentence in (first, second, third):
        start = cleaned.text.index(sentence)
        span = cleaned.to_original(start, start + len(sentence))
        assert text[span.start : span.end] == sentence


def test_a_span_over_something_masked_covers_it_in_the_original() -> None:
    text = "Selon @radio_kolo le marché rouvre."
    cleaned = clean(text)
    assert cleaned.text == "Selon le marché rouvre."
    span = cleaned.to_original(0, 9)
    assert text[span.start : span.end] == "Selon @radio_kolo le "
    assert cleaned.to_cleaned(6, 17) == Span(6, 6)


def test_a_decoded_entity_maps_to_all_its_characters() -> None:
    text = "Le caf&eacute; ferme"
    cleaned = clean(text)
    assert cleaned.text == "Le café ferme"
    span = cleaned.to_original(3, 7)
    assert text[span.start : span.end] == "caf&eacute;"


def test_noise_alone_comes_out_empty() -> None:
    cleaned = clean(" \u200b https://example.org/x \n=====\n")
    assert cleaned.text == ""
    assert cleaned.origin.tolist() == [0]
    assert cleaned.to_original(0, 0) == Span(0, 0)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 4)])
def test_offsets_outside_the_text_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no slice"):
        clean("abc").to_original(start, end)


def test_a_long_text_of_one_kind_of_noise_takes_no_time() -> None:
    pieces = [" ", "\n", "<!--", "<script>", "• a ", "A-", "lire aussi ", "&amp", "@a.", "12. ", "\n- ", "(Source: "]
    started = time.perf_counter()
    for piece in pieces:
        clean(piece * (20_000 // len(piece)))
    assert time.perf_counter() - started < 5


def test_the_result_is_made_of_three_parts() -> None:
    assert isinstance(clean("abc"), Cleaned)
    assert clean("abc").ends.tolist() == [1, 2, 3]
