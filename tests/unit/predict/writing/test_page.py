"""The page as a file: everything in it, nothing outside it, the rows that matter most. `test_results_page` opens it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from fimiscope.codebook import Codebook
from fimiscope.predict.passages import Passage
from fimiscope.predict.writing import open_writer
from fimiscope.predict.writing.page import PageRows
from fimiscope.predict.writing.words import asset, words
from fimiscope.records import Evidence, Verdict

CODEBOOK = Codebook.load()
MODEL = {"name": "quick", "version": "3", "codebook": "1.0", "trained_on": "invented texts"}
HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> ]]> \u2028 & $rows_json ${x}"


def verdict(number: int, outcome: str, probability: float | None = None, **more: Any) -> Verdict:
    return Verdict(
        f"{outcome}-{number}",
        "scored" if outcome in ("flagged", "clear") else outcome,  # type: ignore[arg-type]
        flag={"flagged": True, "clear": False}.get(outcome),
        flag_probability=probability,
        model=MODEL,
        **more,
    )


def island(path: Path, name: str) -> Any:
    [found] = html.fromstring(path.read_text(encoding="utf-8")).xpath(f"//script[@id='{name}']/text()")
    return json.loads(found)


def written(path: Path, *verdicts: Verdict, most_rows: int = 10_000) -> list[str]:
    rows = PageRows(CODEBOOK, most_rows=most_rows)
    rows.open(path)
    for one in verdicts:
        rows.write(one, ())
    rows.close(complete=True)
    return [row["id"] for row in island(path, "rows-json")]


def test_flagged_and_abstained_come_first_then_failed_then_the_likeliest_clear(tmp_path: Path) -> None:
    some = [
        verdict(1, "clear", 0.2),
        verdict(2, "flagged", 0.7),
        verdict(3, "failed"),
        verdict(4, "abstained", 0.8),
        verdict(5, "clear", 0.3),
        verdict(6, "flagged", 0.9),
        verdict(7, "failed"),
    ]
    order = ["flagged-6", "abstained-4", "flagged-2", "failed-3", "failed-7", "clear-5", "clear-1"]
    assert written(tmp_path / "all.html", *some) == order
    for most in range(1, 7):
        path = tmp_path / f"{most}.html"
        assert written(path, *some, most_rows=most) == order[:most]
        about = island(path, "about-json")
        assert (about["left_out"], about["most"]) == (7 - most, most)
        assert about["outcomes"] == {"flagged": 2, "abstained": 1, "failed": 2, "clear": 2}


def test_memory_holds_only_what_is_shown(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            written(tmp_path / "out.html", *(), most_rows=100)
            rows = PageRows(CODEBOOK, most_rows=100)
            rows.open(tmp_path / "out.html")
            for number in range(count):
                rows.write(verdict(number, "clear", number % 997 / 1000, article={"title": "invented " * 20}), ())
            rows.close(complete=True)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(10_000) < 1.2 * peak(1000)


def test_evidence_is_marked_in_its_passage(tmp_path: Path) -> None:
    text = "\U0001f600 Rain fell. The far bank wants our mines. Nobody answered."
    start = text.index("The far")
    one = Evidence(start, start + 30, text[start : start + 30], "role", 0.9)
    path = tmp_path / "out.html"
    with open_writer(path, CODEBOOK) as writer:
        writer.write(verdict(1, "flagged", 0.9, evidence=(one,)), (Passage("text", 0, text),))
        writer.write(verdict(2, "abstained", 0.5, evidence=(one,)))
        writer.write(verdict(3, "clear", 0.1, evidence=(one,)))
    with_passage, without, clear = island(path, "rows-json")
    [passage] = with_passage["passages"]
    assert passage["pieces"] == [[text[:start], []], [one.text, ["role"]], [text[start + 30 :], []]]
    assert without["passages"] == [{"field": "text", "start": start, "pieces": [[one.text, ["role"]]]}]
    assert clear["passages"] == []


def test_what_an_article_says_stays_data(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    article = dict.fromkeys(("title", "url", "outlet", "published"), HOSTILE)
    with open_writer(path, CODEBOOK) as writer:
        writer.write(verdict(1, "flagged", 0.9, article=article, language=HOSTILE), (Passage("text", 3, HOSTILE),))
    assert len(html.fromstring(path.read_text(encoding="utf-8")).xpath("//script")) == 4
    for name in ("rows-json", "about-json", "words-json"):
        [raw] = re.findall(rf'id="{name}">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
        assert not set(raw) & set("<>&\u2028\u2029")
    [row] = island(path, "rows-json")
    assert [row[name] for name in article] == [HOSTILE] * 4
    assert row["passages"][0]["pieces"] == [[HOSTILE, []]]


def test_the_page_loads_nothing_and_runs_only_its_own_script(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    written(path, verdict(1, "flagged", 0.9))
    document = html.fromstring(path.read_text(encoding="utf-8"))
    [policy] = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, rule in (("style", "style-src"), ("script[not(@type)]", "script-src")):
        [source] = document.xpath(f"//{tag}/text()")
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy
    assert not document.xpath("//@src | //link | //@style | //iframe | //img | //*[starts-with(name(@*), 'on')]")
    assert document.xpath("//a/@href") == ["#articles"]
    assert not re.search(r"url\(|@import|innerHTML|eval\(", asset("page.css") + asset("page.js"))


def test_narratives_have_names_in_both_languages_and_the_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    written(path, Verdict("x", "failed", "empty"), verdict(1, "flagged", 0.9))
    about = island(path, "about-json")
    assert about["model"] == MODEL
    assert about["codebook"]["version"] == CODEBOOK.version
    assert [set(entry["name"]) for entry in about["codebook"]["narratives"]] == [{"en", "fr"}] * len(
        CODEBOOK.narratives
    )
    assert all(entry["definition"] for entry in about["codebook"]["narratives"])


def test_every_word_is_there_in_both_languages() -> None:
    english, french = words()["en"], words()["fr"]
    assert list(english) == list(french)
    assert all(set(re.findall(r"\{\w+\}", english[key])) == set(re.findall(r"\{\w+\}", french[key])) for key in english)
    assert not any(set(text) & set('<>&"$') for text in (*english.values(), *french.values()))
    called = re.findall(r'say\("(\w+)"', asset("page.js"))
    named = re.findall(r'data-(?:words|label|placeholder)="(\w+)"', asset("page.html"))
    assert called
    assert named
    assert set(called) | set(named) <= set(english)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_notice_is_said(language: str) -> None:
    notice = words()[language]["notice"]
    assert {"en": "does not judge", "fr": "ne juge pas"}[language] in notice
