"""What the model reads of an article, and the way back to the article's own characters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.bundle.document import Document
from fimiscope.records import Article

BODIES = (
    "Le pont\u00a0ouvre dimanche.\u200b Les   marchands attendent depuis des mois.\n\n\nPartager\nIls l'ont dit hier.",
    "<p>قالت الحكومة إنّ الجسر &amp; الطريق</p> سيُفتحان يوم الأحد 🌉.\r\nhttps://example.org/a والتجّار ينتظرون.",
    "🧺👩🏾‍🌾 Kasuwa ta bude yau. \ufeffMutane sun zo da wuri 👍🏿.",
)
TITLES = (None, "Un pont\u00a0pour 🌉 Ségou", "الجسر <b>الجديد</b>")
DIRT = st.lists(
    st.sampled_from(
        [
            "Le pont ouvre",
            "🌉",
            "👩🏾‍🌾",
            "الجسر",
            "\u200b",
            "\u00a0",
            "  ",
            "\n\n",
            "<b>",
            "</b>",
            "&eacute;",
            "é",
            ".",
            "@someone",
            "!",
        ]
    ),
    max_size=30,
).map("".join)


def original(article: Article, field: str) -> str:
    return article.text if field == "text" else article.title or ""


def same(cleaned: str, characters: str) -> bool:
    """White space may differ; an entity stands for the character it names."""
    return cleaned == characters or cleaned.isspace() or (characters.startswith("&") and characters.endswith(";"))


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("body", BODIES)
def test_every_character_leads_back_to_itself(title: str | None, body: str) -> None:
    article = Article("1", body, title=title)
    document = Document.of(article)
    for place, character in enumerate(document.text):
        field, start, end = document.locate(place, place + 1)
        assert same(character, original(article, field)[start:end])


@settings(deadline=None, max_examples=80)
@given(body=DIRT, title=DIRT)
def test_characters_lead_back_through_any_dirt(body: str, title: str) -> None:
    article = Article("1", body, title=title)
    document = Document.of(article)
    for place, character in enumerate(document.text):
        field, start, end = document.locate(place, place + 1)
        assert same(character, original(article, field)[start:end])


def test_a_title_never_moves_the_text() -> None:
    body = BODIES[0]
    bare, titled = Document.of(Article("1", body)), Document.of(Article("1", body, title="Un pont à Ségou"))
    assert titled.text == f"Un pont à Ségou\n{bare.text}"
    word = bare.text.index("marchands")
    shifted = word + titled.body_start
    assert titled.locate(shifted, shifted + 9) == bare.locate(word, word + 9)
    field, start, end = bare.locate(word, word + 9)
    assert (field, body[start:end]) == ("text", "marchands")


def test_words_of_the_title_are_found_in_the_title() -> None:
    article = Article("1", BODIES[0], title="  Un pont\u200b à Ségou")
    field, start, end = Document.of(article).locate(3, 7)
    assert field == "title"
    assert article.title is not None
    assert article.title[start:end] == "pont"


def test_a_span_over_the_joint_is_cut_to_the_text() -> None:
    document = Document.of(Article("1", "Les marchands attendent.", title="Un pont"))
    assert document.locate(3, 11) == ("text", 0, 3)


@pytest.mark.parametrize("title", [None, "", "\u200b", "Les marchands"])
def test_a_title_that_says_nothing_more_is_left_out(title: str | None) -> None:
    document = Document.of(Article("1", "Les marchands attendent.", title=title))
    assert document.title is None
    assert document.text == "Les marchands attendent."
    assert document.body_start == 0
