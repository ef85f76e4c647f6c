"""Bulk runs: the answers of `Predictor.predict`, whatever was interrupted, repeated or broken on the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fimiscope.corpus import Corpus
from fimiscope.errors import OutputError
from fimiscope.predict import Predictor, parts
from fimiscope.predict.bulk import LocalEngine, predict_in_bulk
from fimiscope.predict.parts import Part
from fimiscope.predict.standing import Standing
from fimiscope.records import Article, Unreadable, Verdict


class Recorder(LocalEngine):
    """Remembers which parts were scored."""

    def __init__(self, predictor: Predictor, *, fails_at: int | None = None) -> None:
        super().__init__(predictor)
        self.scored: list[int] = []
        self.texts = 0
        self._fails_at = fails_at

    def score(
        self, parts: Iterator[Part], folder: Path, heard: Callable[[Verdict], None]
    ) -> Iterator[tuple[Part, list[Verdict]]]:
        for part, verdicts in super().score(parts, folder, heard):
            if part.number == self._fails_at:
                raise KeyboardInterrupt
            self.scored.append(part.number)
            self.texts += len(verdicts)
            yield part, verdicts


@pytest.fixture(scope="module")
def predictor(tiny_bundle: Path) -> Predictor:
    return Predictor.load(tiny_bundle)


@pytest.fixture(scope="module")
def articles(tiny_corpus: Corpus) -> list[Article | Unreadable]:
    found: list[Article | Unreadable] = [
        replace(example.article, id=f"a{number}") for number, example in enumerate(tiny_corpus.examples[:60])
    ]
    found[7] = Unreadable("a7", "the line is not valid JSON", "feed.jsonl:8")
    return found


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_ARTICLES", 8)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_verdicts_are_those_of_the_predictor_in_order(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    heard: list[Verdict] = []
    end = predict_in_bulk(predictor, articles, tmp_path / "s.jsonl", each=heard.append)
    assert [verdict.id for verdict in heard] == [article.id for article in articles]
    found = lines(tmp_path / "s.jsonl")
    assert [row["id"] for row in found] == [article.id for article in articles]
    for row, verdict in zip(found, predictor.predict(articles), strict=True):
        expected = verdict.to_dict()
        assert row["status"] == expected["status"]
        assert row["flag_probability"] == pytest.approx(expected["flag_probability"], abs=2e-6)
        assert row["article"] == expected["article"]
    assert (end.articles, end.scored) == (len(articles), len(articles) - 1)
    assert (end.parts_scored, end.parts_kept) == (8, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.jsonl", "s.jsonl.quarantine.jsonl"]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path, kind: str
) -> None:
    whole, broken = tmp_path / f"whole.{kind}", tmp_path / f"broken.{kind}"
    predict_in_bulk(predictor, articles, whole)
    scored: list[int] = []
    for fails_at in (1, 2, 6):
        engine = Recorder(predictor, fails_at=fails_at)
        with pytest.raises(KeyboardInterrupt):
            predict_in_bulk(predictor, articles, broken, engine=engine)
        assert not broken.exists()
        scored += engine.scored
    engine = Recorder(predictor)
    end = predict_in_bulk(predictor, articles, broken, engine=engine)
    scored += engine.scored
    assert scored == list(range(8))
    assert end.parts_kept == 6
    assert end.articles == len(articles)
    assert broken.read_bytes() == whole.read_bytes()
    quarantines = [path.with_name(f"{path.name}.quarantine.jsonl").read_bytes() for path in (whole, broken)]
    assert quarantines[0] == quarantines[1]


def test_identical_texts_are_scored_once_and_keep_what_is_their_own(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    first = articles[3]
    assert isinstance(first, Article)
    again = [replace(first, id=f"copy{n}", outlet=f"Outlet {n}", url=f"https://example.org/{n}") for n in range(20)]
    engine = Recorder(predictor)
    end = predict_in_bulk(predictor, [*articles, *again], tmp_path / "s.jsonl", engine=engine)
    assert engine.texts == len(articles)
    assert end.copies == 20
    assert end.articles == len(articles) + 20
    found = lines(tmp_path / "s.jsonl")
    about = {"title": first.title, "url": "https://example.org/4", "outlet": "Outlet 4", "published": first.published}
    assert found[len(articles) + 4] == found[3] | {"id": "copy4", "article": about}


def test_an_input_that_changed_in_the_meantime_is_scored_where_it_changed(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        predict_in_bulk(predictor, articles, tmp_path / "s.jsonl", engine=Recorder(predictor, fails_at=5))
    changed = list(articles)
    changed[20] = Article("a20", "Another text of this invented test stands here now, and it is long enough to judge.")
    engine = Recorder(predictor)
    predict_in_bulk(predictor, changed, tmp_path / "s.jsonl", engine=engine)
    assert engine.scored == [2, 5, 6, 7]
    predict_in_bulk(predictor, changed, tmp_path / "t.jsonl")
    assert (tmp_path / "s.jsonl").read_bytes() == (tmp_path / "t.jsonl").read_bytes()


def test_another_profile_starts_anew(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        predict_in_bulk(predictor, articles, tmp_path / "s.jsonl", engine=Recorder(predictor, fails_at=5))
    other = Predictor(predictor.bundle, profile="high-recall")
    assert predict_in_bulk(other, articles, tmp_path / "s.jsonl").parts_kept == 0


def test_what_failed_stands_in_the_quarantine_with_place_and_reason(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    output, list_of_failed = tmp_path / "s.csv", tmp_path / "s.csv.quarantine.jsonl"
    again = replace(articles[5], id="a5#2", place="g.csv:2", renamed="a5")
    predict_in_bulk(predictor, [*articles, Article("e", " ", place="f.txt"), again], output)
    assert lines(list_of_failed) == [
        {"id": "a7", "status": "failed", "place": "feed.jsonl:8", "reason": "the line is not valid JSON"},
        {"id": "e", "status": "failed", "place": "f.txt", "reason": "empty"},
        {"id": "a5#2", "status": "scored", "place": "g.csv:2", "reason": "another article had the id a5 before"},
    ]
    predict_in_bulk(predictor, articles[:5], output)
    assert not list_of_failed.exists()


def test_listeners_hear_how_far_the_run_is(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    heard: list[Standing] = []
    end = predict_in_bulk(predictor, articles, tmp_path / "s.jsonl", listen=heard.append)
    parts_done = [standing.parts_scored for standing in heard]
    assert parts_done == sorted(parts_done)
    assert heard[-1].counts == end.counts
    assert end.counts["failed"] == 1
    assert sum(end.counts.values()) == len(articles)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="a limit of file sizes is a thing of POSIX")
def test_a_full_disk_ends_in_one_line_and_loses_nothing(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(KeyboardInterrupt):
        predict_in_bulk(predictor, articles, tmp_path / "s.jsonl", engine=Recorder(predictor, fails_at=3))
    size = min(path.stat().st_size for path in (tmp_path / ".s.jsonl.parts").glob("*.parquet"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, hard))
    try:
        with pytest.raises(OutputError, match="what was scored before is kept; make room"):
            predict_in_bulk(predictor, articles, tmp_path / "s.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "s.jsonl").exists()
    engine = Recorder(predictor)
    predict_in_bulk(predictor, articles, tmp_path / "s.jsonl", engine=engine)
    assert engine.scored == [3, 4, 5, 6, 7]
    assert len(lines(tmp_path / "s.jsonl")) == len(articles)


@pytest.mark.parametrize("kind", ["html", "xlsx"])
def test_results_for_people_are_the_same_after_an_interruption(
    predictor: Predictor, articles: list[Article | Unreadable], tmp_path: Path, kind: str
) -> None:
    whole, broken = tmp_path / f"whole.{kind}", tmp_path / f"broken.{kind}"
    predict_in_bulk(predictor, articles, whole)
    with pytest.raises(KeyboardInterrupt):
        predict_in_bulk(predictor, articles, broken, engine=Recorder(predictor, fails_at=4))
    assert predict_in_bulk(predictor, articles, broken).parts_kept == 4
    assert broken.read_bytes() == whole.read_bytes()
