"""Texts made dirty: what is done to them, that it stays little, and that it is the same everywhere and always."""

from __future__ import annotations

import hashlib

import pytest

from fimiscope.codebook import Codebook
from fimiscope.evaluation.noise import noisy
from fimiscope.evaluation.suite import Suite
from fimiscope.reading import sentences
from fimiscope.records import Article

TEXT = (
    "The ferry to Bala will leave at seven from Monday, said the harbour office.\n\n"
    "Captain Ndiaye asked passengers for patience. “Nobody will be left behind on the quay,” she told them. "
    "Tickets cost the same."
)
FRENCH = "Le bac de Bala partira à sept heures. « Personne ne restera sur le quai », a promis la capitaine Ndiaye."


def made(text: str = TEXT, *, language: str = "en", title: str | None = "Ferry leaves “earlier”") -> dict[str, Article]:
    return dict(noisy(Article("story", text, title=title, language=language)))


def letters(text: str) -> list[str]:
    return sorted(character for character in text if character.isalnum())


def test_an_article_comes_once_for_each_kind_with_an_id_of_its_own() -> None:
    kinds = made()
    assert set(kinds) == {"upper_case", "spelling", "quotation_marks", "boilerplate", "date_line"}
    assert {article.id for article in kinds.values()} == {f"story+{kind}" for kind in kinds}
    assert {article.language for article in kinds.values()} == {"en"}


def test_capitals_reach_title_and_text() -> None:
    article = made()["upper_case"]
    assert (article.title, article.text) == ("FERRY LEAVES “EARLIER”", TEXT.upper())


def test_every_sentence_is_misspelt_in_few_words_by_one_letter_or_two() -> None:
    dirty = made()["spelling"].text
    for before, after in zip(sentences(TEXT), sentences(dirty), strict=True):
        pairs = list(zip(TEXT[before.start : before.end].split(), dirty[after.start : after.end].split(), strict=True))
        changed = [(word, slip) for word, slip in pairs if word != slip]
        assert 1 <= len(changed) <= max(1, len(pairs) // 7)
        for word, slip in changed:
            assert word[0] == slip[0]
            assert len(word) - len(slip) in (0, 1)
            assert set(slip) <= set(word)
    assert made()["spelling"].title != "Ferry leaves “earlier”"


def test_words_too_short_to_misspell_are_left_alone() -> None:
    assert made("He is in. So am I.", title=None)["spelling"].text == "He is in. So am I."


@pytest.mark.parametrize("opening, closing", [("“", "”"), ("« ", " »"), ('"', '"')])
def test_quotations_get_other_marks_and_keep_their_words(opening: str, closing: str) -> None:
    text = f"She said: {opening}we leave{closing}. They said: {opening}we stay{closing}."
    dirty = made(text, title=None)["quotation_marks"].text
    assert opening.strip() not in dirty and closing.strip() not in dirty
    assert letters(dirty) == letters(text)
    assert dirty.count(dirty[len("She said: ")]) in (2, 4)


def test_nothing_is_requoted_where_nothing_is_quoted_or_no_marks_are_left() -> None:
    assert "quotation_marks" not in made("The captain’s ferry leaves.", title=None)
    assert "quotation_marks" not in made('“One” and « two » and "three".', title=None)


@pytest.mark.parametrize("text, language, word", [(TEXT, "en", "Sources\n1/ "), (FRENCH, "fr", "Sources\n1/ ")])
def test_furniture_stands_around_the_text_in_its_language(text: str, language: str, word: str) -> None:
    kinds = made(text, language=language)
    above, below = kinds["boilerplate"].text.split(text)
    assert (above.count("\n\n"), below.count("\n\n")) == (2, 3)
    date, sources = kinds["date_line"].text.split(text)
    assert any(character.isdigit() for character in date) and date.count("\n") == 2
    assert sources.startswith(f"\n\n{word}") and sources.count("\n") == 4
    other = made(text, language="fr" if language == "en" else "en")
    assert other["boilerplate"].text != kinds["boilerplate"].text


def test_no_furniture_is_made_up_for_other_languages() -> None:
    assert set(made(language="sw")) == {"upper_case", "spelling", "quotation_marks"}


@pytest.mark.parametrize("tail", ["Sources: 1/ radio 2/ our man", "Sources\n1/ radio\n2/ our man", "Source : 1/ radio"])
def test_a_text_with_sources_gets_no_second_list_of_them(tail: str) -> None:
    assert "date_line" not in made(f"{TEXT}\n\n{tail}")


def test_the_same_id_gives_the_same_text_and_another_id_another() -> None:
    assert made() == made()
    other = dict(noisy(Article("another story", TEXT, title=None, language="en")))
    assert other["spelling"].text != made()["spelling"].text


@pytest.mark.parametrize(("number", "made"), [(1, "fee68482cf121249"), (2, "4b2b2d9d9dca2859")])
def test_the_texts_made_for_the_suite_are_those_that_models_were_measured_on(
    codebook: Codebook, number: int, made: str
) -> None:
    """A change here makes the published figures of older models and of newer ones two different measures."""
    digest = hashlib.sha256()
    for variant in Suite.load(codebook).of_round(number).variants:
        article = variant.example.article
        if "+" in article.id:
            digest.update(f"{article.id}\0{article.title}\0{article.text}\n".encode())
    assert digest.hexdigest()[:16] == made
