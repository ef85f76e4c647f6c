"""Passages: whole sentences around the evidence, exact offsets, and nothing without bounds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fimiscope.predict.passages import AROUND, MOST_CHARACTERS, Passage, marked, passages
from fimiscope.records import Article, Evidence, Verdict

BEFORE = "The river was low. The invented council of Kolo met again. "
CLAIM = "The far bank wants our mines."
AFTER = " Nobody answered. The session was closed."
FLAGGED = Verdict("a", "scored", flag=True, flag_probability=0.9, role_label="carries")


def evidence(text: str, words: str, head: str = "role", *, field: str = "text") -> Evidence:
    start = text.index(words)
    return Evidence(start, start + len(words), words, head, 0.9, "title" if field == "title" else "text")


def shown(text: str, *pieces: Evidence, title: str | None = None) -> tuple[Passage, ...]:
    return passages(Article("a", text, title), replace(FLAGGED, evidence=pieces))


def test_a_short_article_is_shown_whole() -> None:
    text = BEFORE + CLAIM + AFTER
    assert shown(text, evidence(text, CLAIM)) == (Passage("text", 0, text),)


def test_a_long_article_is_cut_where_sentences_end() -> None:
    text = BEFORE * 20 + CLAIM + AFTER * 20
    [passage] = shown(text, evidence(text, CLAIM))
    assert passage.text == text[passage.start : passage.start + len(passage.text)]
    assert passage.text.startswith("The ")
    assert passage.text.endswith(("answered.", "closed."))
    assert len(passage.text) <= len(CLAIM) + 2 * AROUND


def test_without_a_sentence_in_reach_it_is_cut_where_words_end() -> None:
    text = "kolo " * 200 + CLAIM + " bama" * 200
    [passage] = shown(text, evidence(text, CLAIM))
    assert set(passage.text.replace(CLAIM, "").split()) == {"kolo", "bama"}
    assert len(passage.text) <= len(CLAIM) + 2 * AROUND


def test_a_text_without_spaces_is_bounded_too() -> None:
    text = "x" * 5000 + CLAIM + "y" * 5000
    [passage] = shown(text, evidence(text, CLAIM))
    assert CLAIM in passage.text
    assert len(passage.text) <= len(CLAIM) + 2 * AROUND


def test_stretches_that_touch_are_one_and_others_stay_apart() -> None:
    text = BEFORE + CLAIM + AFTER + " Rain fell on the market." * 60 + " A second claim is made here." + AFTER
    near = shown(text, evidence(text, CLAIM), evidence(text, "Nobody answered."))
    assert len(near) == 1
    far = shown(text, evidence(text, "A second claim is made here."), evidence(text, CLAIM))
    assert [passage.start for passage in far] == sorted(passage.start for passage in far)
    assert len(far) == 2


def test_the_title_comes_first() -> None:
    title, text = "Mines of Kolo", BEFORE + CLAIM
    found = shown(text, evidence(text, CLAIM), evidence(title, "Mines", field="title"), title=title)
    assert [passage.field for passage in found] == ["title", "text"]
    assert found[0] == Passage("title", 0, title)


def test_only_flagged_and_abstained_verdicts_have_passages() -> None:
    article = Article("a", CLAIM)
    pieces = (evidence(CLAIM, CLAIM),)
    clear = replace(FLAGGED, flag=False, evidence=pieces)
    assert passages(article, clear) == ()
    assert passages(article, Verdict("a", "failed", "empty")) == ()
    assert passages(article, replace(FLAGGED, evidence=())) == ()
    assert passages(article, replace(FLAGGED, evidence=None)) == ()
    assert passages(article, replace(FLAGGED, status="abstained", flag=None, evidence=pieces)) != ()


def test_together_they_are_bounded_and_the_first_evidence_is_kept() -> None:
    text = " ".join(f"Claim {number} of the invented paper is that one." + " Rain fell." * 80 for number in range(60))
    pieces = [evidence(text, f"Claim {number} of") for number in range(59, -1, -1)]
    found = shown(text, *pieces)
    assert sum(len(passage.text) for passage in found) <= MOST_CHARACTERS
    assert any("Claim 59 of" in passage.text for passage in found)
    assert len(found) > 2


@given(st.data())
def test_offsets_are_exact_whatever_the_text(data: st.DataObject) -> None:
    letters = st.sampled_from("ab. \n\té语\U0001f600؟\u0301")
    text = data.draw(st.text(letters, min_size=1, max_size=2500))
    pieces = []
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        pieces.append(Evidence(start, end, text[start:end], "role", 0.5))
    found = shown(text, *pieces)
    assert found
    for passage in found:
        assert passage.text == text[passage.start : passage.start + len(passage.text)]
        cut = marked(passage, pieces)
        assert "".join(piece.text for piece in cut) == passage.text
        assert any(piece.heads for piece in cut)
    assert all(one.start + len(one.text) <= other.start for one, other in pairwise(found))


def test_marks_are_the_evidence_letter_by_letter() -> None:
    text = "\U0001f600 " + BEFORE + CLAIM + AFTER
    pieces = (evidence(text, CLAIM), evidence(text, "our mines. Nobody", "invented-code"))
    [passage] = shown(text, *pieces)
    cut = marked(passage, pieces)
    assert "".join(piece.text for piece in cut if "role" in piece.heads) == CLAIM
    assert "".join(piece.text for piece in cut if "invented-code" in piece.heads) == "our mines. Nobody"
    assert [piece.text for piece in cut if len(piece.heads) == 2] == ["our mines."]


def test_evidence_of_another_field_marks_nothing() -> None:
    passage = Passage("text", 0, CLAIM)
    assert all(not piece.heads for piece in marked(passage, (evidence(CLAIM, CLAIM, field="title"),)))
