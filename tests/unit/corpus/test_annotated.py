from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import AnnotatedSource
from fimiscope.corpus.annotated import annotated_records, read_annotations
from fimiscope.corpus.examples import Drops, Record
from fimiscope.errors import CorpusError

Make = Callable[..., dict[str, Any]]
Write = Callable[..., Path]


def joined(config: AnnotatedSource, codebook: Codebook) -> tuple[list[Record], dict[str, str]]:
    drops = Drops()
    found = list(annotated_records(config, codebook, drops, lambda _: None))
    return found, {identity: dropped.reason for dropped in drops.collected() for identity in dropped.ids}


def source(labels: Path, texts: Path | None, **fields: Any) -> AnnotatedSource:
    return AnnotatedSource(kind="annotated", annotations=labels, texts=texts, **fields)


def test_labels_join_by_id_and_by_the_very_text(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook
) -> None:
    labels = write_jsonl(
        "labels.jsonl",
        [
            annotation("c", "A third text.", role="carries", actors=["russia"]),
            annotation("a", "A first text."),
            annotation("b", "A second text, as it was when it was labelled."),
            annotation("d", "A text that nobody has."),
            annotation("a", "A post.", corpus="posts", language="fr"),
        ],
    )
    write_jsonl("texts/letters.jsonl", [{"id": i, "text": t} for i, t in (("a", "A first text."), ("b", "Rewritten."))])
    write_jsonl("texts/posts.jsonl", [{"id": "a", "text": "A post."}, {"id": "z", "text": "Not labelled."}])
    with (tmp_path / "texts/letters.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "c", "text": "A third text."}\n')
    found, dropped = joined(source(labels, tmp_path / "texts"), codebook)
    assert [(r.source, r.article.id, r.article.language) for r in found] == [
        ("letters", "a", "en"),
        ("letters", "c", "en"),
        ("posts", "a", "fr"),
    ]
    assert found[1].labels.actors == ("russia",)
    assert dropped == {"b": "text differs from the labelled one", "d": "text not there"}


def test_what_the_annotation_knows_wins_and_titles_are_left_out(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook
) -> None:
    labels = write_jsonl("labels.jsonl", [annotation("a", "Text.", outlet="The Account", published="2024-05-01")])
    row = {
        "id": "a",
        "text": "Text.",
        "title": "Title",
        "language": "in",
        "outlet": "account",
        "published": "May",
        "url": "u",
    }
    write_jsonl("texts/letters.jsonl", [row])
    (record,), _ = joined(source(labels, tmp_path / "texts"), codebook)
    article = record.article
    assert (article.title, article.language, article.outlet, article.published, article.url) == (
        *(None, "en", "The Account"),
        *("2024-05-01", "u"),
    )


def test_labels_cover_what_the_labellers_read(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook
) -> None:
    texts = {"short": "word " * 10, "long": "word " * 100, "late": "word " * 80}
    spans = {"late": [{"start": 150, "end": 170}]}
    labels = write_jsonl(
        "labels.jsonl", [annotation(i, t, role="carries", evidence=spans.get(i, [])) for i, t in texts.items()]
    )
    write_jsonl("texts/letters.jsonl", [{"id": i, "text": t} for i, t in texts.items()])
    found, _ = joined(source(labels, tmp_path / "texts", labelled_characters=120), codebook)
    assert {r.article.id: r.labelled_to for r in found} == {"short": 50, "long": 120, "late": 170}


def test_texts_of_one_document_or_address_are_a_family(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook
) -> None:
    rows = [
        annotation("a1", "One.", document="report"),
        annotation("a2", "Two.", document="report"),
        annotation("b", "Three.", url="https://example.org/claim"),
        annotation("c", "Four."),
        annotation("b", "Five.", corpus="replies", url="https://example.org/claim"),
    ]
    texts = {"a1": "One.", "a2": "Two.", "b": "Three.", "c": "Four."}
    write_jsonl("texts/letters.jsonl", [{"id": i, "text": t} for i, t in texts.items()])
    write_jsonl("texts/replies.jsonl", [{"id": "b", "text": "Five."}])
    found, _ = joined(source(write_jsonl("labels.jsonl", rows), tmp_path / "texts"), codebook)
    claim = "https://example.org/claim"
    assert [r.family for r in found] == ["letters/report", "letters/report", claim, None, claim]


def test_labels_of_another_codebook_are_dropped_with_the_reason(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook
) -> None:
    labels = write_jsonl("labels.jsonl", [annotation("a", "One."), annotation("b", "Two.", narratives=["moon"])])
    write_jsonl("texts/letters.jsonl", [{"id": "a", "text": "One."}, {"id": "b", "text": "Two."}])
    found, dropped = joined(source(labels, tmp_path / "texts"), codebook)
    assert [r.article.id for r in found] == ["a"]
    assert dropped["b"].startswith("not in the codebook: narrative 'moon'")


def test_the_folder_comes_from_the_environment_when_the_config_has_none(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = write_jsonl("labels.jsonl", [annotation("a", "One.")])
    write_jsonl("texts/letters.jsonl", [{"id": "a", "text": "One."}])
    monkeypatch.setenv("FIMISCOPE_TEXTS", str(tmp_path / "texts"))
    found, _ = joined(source(labels, None), codebook)
    assert len(found) == 1


def test_without_texts_the_error_says_where_they_come_from(
    tmp_path: Path, write_jsonl: Write, annotation: Make, codebook: Codebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIMISCOPE_TEXTS", raising=False)
    labels = write_jsonl("labels.jsonl", [annotation("a", "One.")])
    (tmp_path / "empty").mkdir()
    for texts, said in (
        (None, "needs texts, which are not shipped"),
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "empty", "none of the 1 labelled texts is in"),
    ):
        with pytest.raises(CorpusError, match=f"{said}.*fimiscope corpus fetch.*FIMISCOPE_TEXTS"):
            joined(source(labels, texts), codebook)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "a", "corpus": "letters"}], "expected id, sha256 and corpus"),
        ([{"id": "a", "sha256": "0", "corpus": "c"}] * 2, "'a' of c stands above already"),
    ],
)
def test_damaged_annotations_are_refused(rows: list[dict[str, str]], said: str, write_jsonl: Write) -> None:
    with pytest.raises(CorpusError, match=said):
        read_annotations(write_jsonl("labels.jsonl", rows))


def test_the_shipped_annotations_are_whole_and_hold_no_text(codebook: Codebook) -> None:
    annotations = read_annotations()
    assert len(annotations) == 2871
    assert [key[1] for key in annotations] == sorted(key[1] for key in annotations)
    known = {
        "id",
        "sha256",
        "corpus",
        "url",
        "document",
        "published",
        "outlet",
        "language",
        "role",
        "actors",
        "narratives",
    }
    known |= {"africa", "evidence", "confidence", "labellers", "codebook"}
    assert set().union(*annotations.values()) <= known
    assert all(len(str(row["sha256"])) == 64 for row in annotations.values())
    assert {row["codebook"] for row in annotations.values()} == {codebook.version}
    assert {row["role"] for row in annotations.values()} == set(codebook.role_codes)
    assert {code for row in annotations.values() for code in row["narratives"]} == set(codebook.narrative_codes)
