"""Dates and wire prefixes on top, lists of sources at the end, and what only looks like them."""

from __future__ import annotations

import pytest

from fimiscope.reading import clean
from fimiscope.reading.dates import is_date_line

BODY = "\n".join(
    f"The council of Bala met for the {number}th time and spoke about the market for two hours."
    for number in range(4, 12)
)

DATES = [
    "12 March 2024",
    "March 12, 2024",
    "Monday, 12 March 2024",
    "Lundi 12 mars 2024",
    "lundi 12. Mars 2024",
    "12. Janvier",
    "1er août 2023",
    "2024-03-12",
    "2024-03-12T10:30:00Z",
    "2022-06-12, 10:45",
    "12/03/2024",
    "12.03.2024 - 14h30",
    "7:31 PM 11/15/2022 Ada Sow | Senior Reporter",
    "Publié le 12 mars 2024 à 14h30",
    "Published: 02:00, 1 November 2012 | Updated: 14:50, 1 November 2012",
    "Mis à jour le 12/03/2024",
    "Bala, le 12 mars 2024",
    "Bala, lundi 12 mars 2024",
    "Ouagadougou (Burkina Faso), 3 février 2023",
    "New Kolo City, 12 March 2024",
    "March 2024",
    "14 july 2022 year",
    "2024年3月12日",
]
NOT_DATES = [
    "Le 12 mars 2024, l'armée a parlé.",
    "On Monday, 12 March 2024, the minister spoke",
    "12 mars : le jour où tout a changé",
    "Bala, 2011",
    "Libya 2011",
    "2024",
    "Le budget 2024-2025",
    "May we live in peace",
    "Mars est une planète",
    "The Big Picture: 15 August - 21 August 2022",
    "Version 3.11.2",
    "10:30",
    "Lundi",
    "Marche du 8 mars",
]


@pytest.mark.parametrize("line", DATES)
def test_a_date_alone_on_top_goes(line: str) -> None:
    assert is_date_line(line)
    assert clean(f"{line}\n\n{BODY}").text == BODY
    assert clean(f"The market of Bala\n\n{line}\n{BODY}").text == f"The market of Bala\n{BODY}"


@pytest.mark.parametrize("line", NOT_DATES)
def test_what_is_more_or_less_than_a_date_stays(line: str) -> None:
    assert not is_date_line(line)
    assert clean(f"{line}\n{BODY}").text == f"{line}\n{BODY}"


@pytest.mark.parametrize("line", DATES)
def test_a_date_further_down_stays(line: str) -> None:
    text = f"{BODY}\n{line}\n{BODY}"
    assert clean(text).text == text


@pytest.mark.parametrize(
    "prefix",
    [
        "BALA, Jan 12 (Reuters) - ",
        "GUANGZHOU, Oct. 19 (Xinhua) -- ",
        "MOSCOW, January 12. /TASS/. ",
        "Bala, 12 janv. 2024 (APA) – ",
        "Bala, le 3 mars 2024 (Agence Kolo) - ",
        "LAGOS (AP) — ",
        "BALA, Mali (AFP) - ",
        "(Agence Kolo) - ",
    ],
)
def test_a_wire_prefix_goes_and_its_sentence_stays(prefix: str) -> None:
    assert clean(f"{prefix}{BODY}").text == BODY
    assert clean(f"The market\n{prefix}{BODY}").text == f"The market\n{BODY}"


@pytest.mark.parametrize(
    "line",
    [
        "The African Union (AU) - long awaited - met.",
        "La radio (APA) - comme on l'appelle - a parlé.",
        "CEDEAO (ECOWAS) – the bloc met.",
        "Mr Sow (Kolo) - a lawyer - said no.",
        "(En colère) le maire a parlé.",
        "Le maire, le 3 mars (jour de marché) - sans attendre - a parlé.",
    ],
)
def test_brackets_that_are_no_wire_prefix_stay(line: str) -> None:
    assert clean(f"{line}\n{BODY}").text == f"{line}\n{BODY}"


@pytest.mark.parametrize(
    "tail",
    [
        "Sources 1/ Radio Kolo 2/ La Gazette de Bala",
        "Sources:\n1/ https://example.org/a\n2/ https://example.org/b",
        "Sources\n- Radio Kolo\n- La Gazette",
        "Source : Radio Kolo",
        "Source: https://example.org/a",
        "(Source: Radio Kolo)",
        "Références :\n[1] Un titre de livre, 2020.\n[2] Un autre titre.",
        "Related articles\nThe market reopens\nPrices fall in the north",
    ],
)
def test_a_list_of_sources_at_the_end_goes(tail: str) -> None:
    assert clean(f"{BODY}\n{tail}").text == BODY


def test_sources_in_the_last_line_of_a_text_without_paragraphs_go() -> None:
    text = BODY.replace("\n", " ")
    assert clean(f"{text} Sources 1/ Radio Kolo 2/ La Gazette de Bala").text == text


@pytest.mark.parametrize(
    "tail",
    [
        "Sources close to the mayor said that the deal was signed.",
        "Sources: two officials who were there told us that the deal was signed.",
        "Source of the river, the lake is dry.",
        "La source : un village qui a soif, et qui attend depuis des mois une réponse de la capitale.",
        "Sources:\nThe mayor said that nothing had been decided. The market stays closed until Friday.",
        "References to the war were cut.",
    ],
)
def test_sentences_about_sources_stay(tail: str) -> None:
    assert clean(f"{BODY}\n{tail}").text == f"{BODY}\n{tail}"


def test_never_more_than_a_quarter_goes() -> None:
    entries = "\n".join(f"{number}/ Radio Kolo, bulletin du soir" for number in range(1, 40))
    text = f"{BODY}\nSources :\n{entries}"
    assert clean(text).text == text
    assert clean("Sources : Radio Kolo").text == "Sources : Radio Kolo"


def test_a_list_of_sources_in_the_middle_stays() -> None:
    text = f"{BODY}\nSources :\n1/ Radio Kolo\n{BODY}"
    assert clean(text).text == text
