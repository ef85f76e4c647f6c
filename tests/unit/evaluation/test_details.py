"""Every figure of several models, in tables that say what they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.details import detail_tables
from fimiscope.records import Verdict
from fimiscope.tables import Table


@pytest.fixture(scope="module")
def evaluations(many: list[tuple[Example, Verdict]], codebook: Codebook) -> list[Evaluation]:
    examples, verdicts = zip(*many, strict=True)
    silent = [
        replace(verdict, status="scored", flag=verdict.flag or False, narratives=None, narratives_flagged=None)
        if verdict.status == "abstained"
        else replace(verdict, narratives=None, narratives_flagged=None)
        for verdict in verdicts
    ]
    return [
        Evaluation.of("first", examples, verdicts, codebook),
        Evaluation.of("silent on narratives", examples, silent, codebook),
    ]


@pytest.fixture(scope="module")
def tables(evaluations: list[Evaluation]) -> dict[str, Table]:
    return {table.title: table for table in detail_tables(evaluations)}


def test_every_figure_of_all_articles_is_there(evaluations: list[Evaluation], tables: dict[str, Table]) -> None:
    shown = {row[0] for table in tables.values() if table.columns[0] == "figure" for row in table.rows}
    classes = {row[0] for title, table in tables.items() if title.startswith("Classes") for row in table.rows}
    for name in evaluations[0].metrics:
        head, *rest = name.removeprefix("abstained_as_none/").split("/")
        assert name in shown or head == "language" or rest[0] in classes, name


def test_a_small_class_is_told_as_k_of_n(tables: dict[str, Table], codebook: Codebook) -> None:
    rows = {row[:2]: row[2:] for row in tables["Classes of role"].rows}
    texts, cell, _ = rows["carries", "all"]
    assert texts == 21
    assert str(cell).startswith("0.")
    texts, cell, _ = rows["carries", "en"]
    assert texts < 20
    assert f" of {texts} [" in str(cell)


def test_what_a_model_does_not_say_has_a_dash(tables: dict[str, Table]) -> None:
    figures = {row[0]: row[1:] for row in tables["Figures of narratives"].rows}
    assert figures["narratives/samples_f1"][0] != "–"
    assert figures["narratives/samples_f1"][1] == "–"
    assert {row[-1] for row in tables["Classes of narratives"].rows} == {"–"}
    assert {row[-1] for row in tables["With abstentions counted as none"].rows} == {"–"}


def test_a_language_with_few_flags_tells_how_many_were_found(tables: dict[str, Table]) -> None:
    rows = {(row[0], row[2]): row[3] for row in tables["Languages"].rows}
    [(name, cell)] = [(name, cell) for (language, name), cell in rows.items() if language == "en" and "flagged" in name]
    gold = int(str(name).removeprefix("flag (").split()[0])
    assert gold < 20
    assert f" of {gold} [" in str(cell)
    assert ("en", "flag/pr_auc") not in rows
