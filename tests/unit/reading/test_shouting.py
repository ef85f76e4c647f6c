"""Capitals: a text that shouts is read as one that does not, letter for letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fimiscope.bundle.document import Document
from fimiscope.reading import calm, sentences
from fimiscope.records import Article

PLAIN = "The mayor of Kolo opened a market. He thanked the masons, and left; nobody asked why."


def test_a_shouted_text_becomes_small_and_keeps_its_sentences() -> None:
    calmed = calm(PLAIN.upper())
    assert calmed == PLAIN.replace("Kolo", "kolo")
    assert len(sentences(calmed)) == 2


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "ECOWAS and the AU met.",
        "NEW MARKET OPENS IN KOLO\nThe mayor opened it.",
        "USA, UK, UN, AU, EU met.",
        "نص بالعربية لا حروف كبيرة فيه على الإطلاق هنا",
    ],
)
def test_abbreviations_short_headings_and_scripts_without_capitals_stay(text: str) -> None:
    assert calm(text) == text


def test_a_shouted_run_inside_a_text_is_calmed_alone() -> None:
    assert (
        calm("Dr Ba said: SHARE THIS BEFORE THEY DELETE IT ALL now.")
        == "Dr Ba said: Share this before they delete it all now."
    )


def test_french_elisions_and_accents_are_words() -> None:
    assert (
        calm("L'ARMÉE A QUITTÉ L’AÉROPORT À 3 HEURES DU MATIN.") == "L'armée a quitté l’aéroport à 3 heures du matin."
    )


@given(st.text(max_size=200))
def test_no_character_moves(text: str) -> None:
    shouted = text.upper()
    assert len(calm(text)) == len(text)
    assert calm(shouted).lower() == shouted.lower() or "İ" in shouted


def test_a_document_is_calm_and_leads_back_to_the_capitals() -> None:
    document = Document.of(Article("1", PLAIN.upper(), title="A MARKET FOR THE TOWN OF KOLO"))
    assert document.text.startswith("A market for the town of kolo\nThe mayor")
    start = document.text.index("masons")
    field, first, last = document.locate(start, start + len("masons"))
    assert (field, PLAIN.upper()[first:last]) == ("text", "MASONS")
