from __future__ import annotations

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Dropped, Example, corpus_tables
from fimiscope.records import Article, Labels
from fimiscope.tables import Table


def example(identity: str, source: str, part: str, labels: Labels, language: str | None, group: str = "") -> Example:
    article = Article(identity, "Text.", language=language)
    return Example(article, labels, source, part, group or identity, 5, 1.0)  # type: ignore[arg-type]


def tables(codebook: Codebook) -> dict[str, Table]:
    carries = Labels("carries", ("russia",), ("bio-health", "russia-partner"), True, (), "low")
    examples = (
        example("a", "letters", "train", carries, "en", "g"),
        example("b", "letters", "train", Labels("none", (), (), True), "en", "g"),
        example("c", "letters", "test", Labels(role="reports"), None),
        example("d", "posts", "valid", carries, "fr"),
    )
    dropped = (Dropped("posts", "no label", 7, ("x", "y")),)
    return {table.title: table for table in corpus_tables(Corpus(examples, dropped, "0" * 32, codebook))}


def test_every_row_has_a_cell_for_each_column(codebook: Codebook) -> None:
    found = tables(codebook)
    assert list(found) == ["Texts by source", "Parts", "Roles by language", "Narratives by part", "Left out"]
    assert all(len(row) == len(table.columns) for table in found.values() for row in table.rows)


def test_sources_and_parts_are_counted(codebook: Codebook) -> None:
    found = tables(codebook)
    assert found["Texts by source"].rows == (
        ("letters", 2, 0, 1, 3, 1),
        ("posts", 0, 1, 0, 1, 1),
        ("all", 2, 1, 1, 4, 2),
    )
    assert found["Parts"].rows == (
        ("train", 2, 1, 1, 0, 1, 1, 2),
        ("valid", 1, 1, 0, 0, 1, 1, 1),
        ("test", 1, 0, 0, 1, 0, 1, 1),
    )


def test_languages_roles_and_narratives_are_counted(codebook: Codebook) -> None:
    found = tables(codebook)
    languages = found["Roles by language"]
    assert languages.columns == ("language", *codebook.role_codes, "unlabelled", "all")
    assert [(row[0], row[-1]) for row in languages.rows] == [("en", 2), ("fr", 1), ("unknown", 1)]
    narratives = {row[0]: row[1:] for row in found["Narratives by part"].rows}
    assert narratives["bio-health"] == (1, 1, 0, 2)
    assert narratives["china-partner"] == (0, 0, 0, 0)
    assert narratives["unlabelled"] == (0, 0, 1, 1)


def test_what_was_left_out_is_listed_with_its_reason(codebook: Codebook) -> None:
    assert tables(codebook)["Left out"].rows == (("posts", "no label", 7, "x, y"),)
