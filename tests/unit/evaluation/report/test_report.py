"""The report as tables and as a file: all is in it that should be, and no more. `test_report_page` opens it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from lxml import html

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.annotated import read_annotations
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.contrast import constant_rule
from fimiscope.evaluation.curves import EpochFigures
from fimiscope.evaluation.report import Report
from fimiscope.evaluation.suite import Suite
from fimiscope.records import Verdict
from fimiscope.tables import Table

MakeReport = Callable[..., Report]
CLAIM = "The far bank wants our mines."
HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> ]]> \u2028 & {{ 7 * 7 }}"
EPOCHS = [
    EpochFigures(number, 10 * number, 1 / number, 1.2 / number, {"flag/pr_auc": 0.3 * number}) for number in (1, 2, 3)
]


@pytest.fixture(scope="module")
def whole(report_of: MakeReport, tiny_corpus: Corpus, codebook: Codebook) -> Report:
    """A report with every section."""
    suite = Suite.load(codebook).of_round(1)
    contrasts = [constant_rule(suite, codebook), constant_rule(suite, codebook, tiny_corpus.part("train"))]
    return report_of(contrasts=contrasts, corpus=tiny_corpus, epochs=EPOCHS)


@pytest.fixture(scope="module")
def page(whole: Report) -> Any:
    return html.fromstring(whole.to_html())


def cells(page: Any, table: Table) -> list[list[str]]:
    """What the page shows of a table, the innermost of those with its title."""
    [found] = page.xpath("//table[caption[normalize-space()=$title]]", title=table.title)
    return [[" ".join(cell.text_content().split()) for cell in row] for row in found.xpath("tbody/tr")]


def test_tables_are_the_same_on_the_page(whole: Report, page: Any) -> None:
    tables = whole.tables()
    shown = set(tables) - {"errors", "contrast_families", "contrast_reposts"}
    assert {"results", "languages", "narratives", "confusion", "contrast", "epochs", "audit_source"} <= shown
    for name in shown:
        assert cells(page, tables[name]) == [[str(cell) for cell in row] for row in tables[name].rows], name


def test_the_rows_say_what_the_model_is_compared_with(whole: Report, page: Any) -> None:
    [results] = page.xpath("//table[caption='Held-out part']")
    assert results.xpath("tbody/tr/@class") == ["model", "rule"]
    assert [row[0] for row in whole.results.rows] == ["invented", "majority"]
    tile = page.xpath("//dl[@class='headlines']/div[dt='flag F1']")[0].text_content()
    assert str(whole.results.rows[0][3]).split(" [")[0] in tile
    assert "best shortcut 0.00 (majority)" in tile


def test_annotated_texts_have_the_second_reader_beside(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    keys = list(read_annotations())[:30]
    bare = [example(n, source=source, role="carries", africa=n % 2 == 0) for n, (source, _) in enumerate(keys)]
    examples = [
        replace(one, article=replace(one.article, id=identity)) for one, (_, identity) in zip(bare, keys, strict=True)
    ]
    measured = Evaluation.of("model", examples, [verdict(n, "carries", 0.9) for n in range(30)], codebook)
    page = html.fromstring(Report.of([measured], examples, codebook, title="Test", texts=True).to_html())
    assert page.xpath("//tr[@class='reader']/th/text()") == ["second reader", "second reader, hard texts"]
    [tile] = page.xpath("//dl[@class='headlines']/div[dt='flag F1']")
    assert "second reader 0.88" in tile.text_content()


def test_the_confusion_is_shaded_by_the_share_of_the_row(whole: Report, page: Any) -> None:
    shades = page.xpath("//table[@class='matrix']//td/@class")
    values = [(value, row[-1]) for row in whole.confusion.rows for value in row[1:-1]]
    assert [int(shade.removeprefix("shade-")) for shade in shades] == [round(9 * v / all_) for v, all_ in values]
    assert sum(row[-1] for row in whole.confusion.rows) == 60


def test_curves_are_drawn_with_a_title_and_a_description(page: Any) -> None:
    drawings = page.xpath("//figure/svg")
    assert len(drawings) == 4
    for drawing in drawings:
        title, says = (page.get_element_by_id(one).text for one in drawing.get("aria-labelledby").split())
        assert title
        assert re.search(r"\d", says)
        places = [float(value) for line in drawing.xpath(".//@points") for value in re.findall(r"[\d.]+", line)]
        assert places
        assert max(places) <= 360
    assert re.search(r"threshold in use precision is 0\.\d\d and recall 0\.\d\d", drawings[0].text_content())
    assert "lowest in epoch 3: 0.400" in drawings[2].text_content()


def test_families_that_fail_stand_on_the_page(whole: Report, page: Any) -> None:
    assert whole.failing is not None
    assert whole.families is not None
    failing = {row[0] for row in whole.failing.rows}
    assert failing == {row[0] for row in whole.families.rows if (row[2], *row[3:]) != ("right", "–", "–")}
    shown = page.xpath("//section[@aria-labelledby='weak']//tbody/tr/th")
    assert failing <= {one.text for one in shown}


def test_an_error_shows_evidence_roles_and_what_the_codebook_says(whole: Report, page: Any, codebook: Codebook) -> None:
    errors = page.xpath("//ol[@class='errors']/li")
    assert len(errors) == len(whole.mistakes) == len(whole.errors.rows) > 5
    for error, mistake in zip(errors, whole.mistakes, strict=True):
        text = " ".join(error.text_content().split())
        assert mistake.example.article.id in text
        assert mistake.example.source in text
        told = {mistake.example.labels.role, mistake.verdict.role_label} if "role" in mistake.wrong else set()
        expected = [entry.definition for entry in codebook.roles if entry.code in told]
        codes = {*mistake.example.labels.narratives, *mistake.verdict.narratives_flagged}
        expected += [entry.definition for entry in codebook.narratives if entry.code in codes]
        assert all(" ".join(definition.split()) in text for definition in expected)
    marked = page.xpath("//ol[@class='errors']//mark")
    assert {one.text for one in marked} == {CLAIM}
    assert {"shown", "annotated", "both"} == {one.get("class") for one in marked}


def test_an_africa_that_was_misjudged_stands_with_its_definition(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    examples = [example(n, role="carries", africa=False) for n in range(8)]
    measured = Evaluation.of("model", examples, [verdict(n, "carries", 0.9, africa=0.9) for n in range(8)], codebook)
    page = html.fromstring(Report.of([measured], examples, codebook, title="Test", texts=True).to_html())
    found = page.xpath("//dt[starts-with(normalize-space(), 'Africa: in truth no')]/following-sibling::dd[1]")
    assert [one.text for one in found] == [codebook.africa.definition] * 8


def test_of_an_article_stand_there_only_the_words_of_evidence(whole: Report) -> None:
    source = whole.to_html()
    assert CLAIM in source
    assert "fell on the hills" not in source
    assert "Nobody had an answer" not in source


def test_without_texts_no_five_words_of_an_article_stand_anywhere(report_of: MakeReport, tiny_corpus: Corpus) -> None:
    report = report_of(texts=False, corpus=tiny_corpus, epochs=EPOCHS)
    kept = " ".join(html.fromstring(report.to_html()).text_content().split())
    kept += json.dumps([table.rows for table in report.tables().values()], ensure_ascii=False)
    texts = [one.example.article.text for one in report.mistakes]
    texts += [text for e in tiny_corpus.examples for text in (e.article.text, e.article.title or "")]
    runs = {" ".join(words[n : n + 5]) for words in map(str.split, texts) for n in range(len(words) - 4)}
    assert len(runs) > 1000
    assert [run for run in runs if run in kept] == []
    assert "No words of articles are kept in this run" in kept
    assert re.search(r"characters \d+ to \d+", kept)


def test_what_an_article_says_stays_data(report_of: MakeReport) -> None:
    source = report_of(says=HOSTILE).to_html()
    document = html.fromstring(source)
    assert len(document.xpath("//script")) == 2
    assert not document.xpath("//img")
    assert HOSTILE in {one.text for one in document.xpath("//mark")}
    [raw] = re.findall(r'id="explorer-json">(.*?)</script>', source, re.DOTALL)
    assert not set(raw) & set("<>&")


def test_the_page_loads_nothing_and_runs_only_its_own_script(page: Any) -> None:
    [policy] = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, rule in (("style", "style-src"), ("script[not(@type)]", "script-src")):
        [source] = page.xpath(f"//{tag}/text()")
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy
    assert not page.xpath("//@src | //link | //@style | //iframe | //img | //*[starts-with(name(@*), 'on')]")
    assert all(address.startswith("#") for address in page.xpath("//@href"))
    folder = files("fimiscope.evaluation.report")
    code = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    assert not re.search(r"url\(|@import|innerHTML|eval\(|fetch\(|localStorage|cookie", code)


def test_sections_without_content_are_left_out(report_of: MakeReport) -> None:
    page = html.fromstring(report_of(size=4).to_html())
    assert not {"audit", "learning"} & set(page.xpath("//h2/@id"))
    assert page.xpath("//nav//a/@href") == [f"#{one}" for one in page.xpath("//h2/@id")]


def test_the_notice_is_said_once(whole: Report) -> None:
    assert whole.to_html().count("does not score persons") == 1


def test_seven_hundred_texts_stay_small(report_of: MakeReport) -> None:
    assert len(report_of(size=700).to_html().encode()) < 500_000
