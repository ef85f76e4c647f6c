"""`make bench`: rows are measured and compared on a small model, and aims follow from the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark import texts
from benchmark.aims import Aim, aims
from benchmark.results import Measured, agreement
from benchmark.table import rows_table
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def adapted(
    tiny_config: Config,
    tiny_corpus: Corpus,
    codebook: Codebook,
    torch_on_one_core: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A small bundle that keeps its weights for torch as well."""
    from fimiscope.training import fit_bundle

    training = tiny_config.training.model_copy(update={"adapter_rank": 2, "head_epochs": 1, "epochs": 1})
    folder = tmp_path_factory.mktemp("adapted") / "tiny"
    fit_bundle(tiny_config.model_copy(update={"training": training}), tiny_corpus, codebook, folder)
    return folder


def benchmark(output: Path, *words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *map(str, words), "--output", str(output)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}\n" + "\n".join(
        log.read_text(encoding="utf-8") for log in output.glob("*.log")
    )
    return done


@pytest.fixture(scope="module")
def results(adapted: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("bench")
    sizes = ("--texts", "6", "--stream", "60", "--sizes", "20,40")
    done = benchmark(output, "--model", adapted, "--rows", "b,c,bare,e,sizes", *sizes)
    document: dict[str, Any] = json.loads((output / "results.json").read_text(encoding="utf-8"))
    assert (output / "table.md").read_text(encoding="utf-8") in done.stdout
    assert all((output / name).stat().st_size > 1000 for name in ("speed.png", "growth.png"))
    return document


def test_rows_are_measured_over_the_same_windows_with_the_same_scores(results: dict[str, Any]) -> None:
    rows = {name: Measured(**row) for name, row in results["rows"].items()}
    assert {"b", "c", "bare"} <= set(rows)
    own, loop, bare = rows["c"], rows["b"], rows["bare"]
    assert own.articles == loop.articles == bare.articles == 6
    assert own.windows == loop.windows == bare.windows > 6
    # 6 that were timed, and the flagged one that stands further on in the stream.
    found = agreement(loop.scores, own.scores, results["threshold"])
    assert found is not None and found.articles == found.equal == 7
    assert found.largest is not None and found.largest < 1e-4
    assert all(row.seconds > 0 and row.start_up > 0 and 50 < row.megabytes < 20_000 for row in rows.values())


def test_what_a_model_cannot_do_is_left_out_with_the_reason(results: dict[str, Any]) -> None:
    assert results["absent"].get("e") == "this model has no gate"
    assert results["failed"] == []


def test_sizes_are_measured_and_every_aim_is_judged(results: dict[str, Any]) -> None:
    assert [size["articles"] for size in results["sizes"]] == [20, 40]
    judged = {aim["wanted"][:3]: aim["met"] for aim in results["aims"]}
    assert judged["(c)"] is not None and judged["(e)"] is None


def test_a_model_without_weights_for_torch_leaves_the_torch_rows_out(tiny_bundle: Path, tmp_path: Path) -> None:
    done = benchmark(tmp_path, "--model", tiny_bundle, "--rows", "b", "--texts", "2", "--stream", "2")
    assert "holds no weights for torch" in done.stdout


def test_an_unknown_row_is_refused(tmp_path: Path) -> None:
    assert "unknown: z; choose of" in benchmark(tmp_path, "--rows", "c,z", code=2).stderr


def test_a_folder_without_the_texts_is_one_line(adapted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIMISCOPE_TEXTS", str(tmp_path))
    [line] = benchmark(tmp_path, "--model", adapted, "--rows", "c", code=2).stderr.splitlines()
    assert line.startswith("benchmark: ") and "news_2020.jsonl is not there" in line


@pytest.mark.slow
@pytest.mark.ray
def test_the_ready_model_scores_alike_by_hand_in_a_loop_and_on_ray(tmp_path: Path) -> None:
    words = ("--rows", "a,b,c,bare,f", "--texts", "20", "--stream", "20")
    benchmark(tmp_path, *words)
    document = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    rows = {name: Measured(**row) for name, row in document["rows"].items()}
    assert set(rows) == {"a", "b", "c", "bare", "f"}
    assert rows["a"].windows == 20
    for name in ("a", "b", "f"):
        # The invented texts are shorter than what (a) reads of an article, but are cut into windows otherwise.
        found = agreement(rows[name].scores, rows["c"].scores, document["threshold"])
        assert found is not None and found.articles == 20
        assert found.equal >= 19
    same = agreement(rows["f"].scores, rows["c"].scores, document["threshold"])
    assert same is not None and same.largest == pytest.approx(0, abs=1e-5)


def test_the_stream_has_a_flagged_article_in_fifty_and_no_text_twice() -> None:
    pool = texts.open_pool()
    stream = texts.mix(pool, 2 * len(pool.irrelevant))
    assert len({article.text for article in stream}) == len({article.id for article in stream}) == len(stream)
    relevant = [article for place, article in enumerate(stream) if texts.is_relevant(place)]
    assert len(relevant) == pytest.approx(len(stream) / 50, abs=1)
    assert {article.text for article in relevant} <= {article.text for article in pool.relevant}


def test_articles_come_back_from_their_file(tmp_path: Path) -> None:
    stream = texts.mix(texts.open_pool(), 30)
    texts.write(stream, tmp_path / "stream.jsonl")
    back = list(texts.read(tmp_path / "stream.jsonl", 10, 30))
    assert [(one.id, one.title, one.text) for one in back] == [(one.id, one.title, one.text) for one in stream[10:]]


@pytest.fixture
def row() -> Callable[..., Measured]:
    def make(name: str, seconds: float = 1.0, *, articles: int = 100, megabytes: float = 500.0) -> Measured:
        return Measured(name, articles, 2 * articles, seconds, 1.0, megabytes, {})

    return make


def verdict(found: list[Aim], start: str) -> str:
    [aim] = [aim for aim in found if aim.wanted.startswith(start)]
    return f"{aim.verdict}: {aim.found}"


def test_aims_follow_from_the_figures(row: Callable[..., Measured]) -> None:
    rows = {"bare": row("bare", 1.0), "c": row("c", 1.1), "b": row("b", 3.0), "d": row("d", 2.1), "a": row("a", 9.0)}
    sizes = [row("s", 1.0, articles=10), row("s", 10.5, articles=100), row("s", 103, articles=1000, megabytes=560)]
    found = aims(rows, sizes, 0.5)
    assert verdict(found, "(c)") == "met: +10 %"
    assert verdict(found, "(d)") == "not met: 1.43 times"
    assert verdict(found, "(e) at least") == "not measured: "
    assert verdict(found, "memory") == "not met: +12.0 % from 100 to 1,000 articles"
    assert verdict(found, "time") == "met: power 1.01"


def test_one_flag_lost_of_a_hundred_is_too_many() -> None:
    full = {f"{number}": 0.9 for number in range(100)}
    gated = full | {"7": None}
    rows = {
        "c": Measured("c", 100, 200, 10, 1, 500, full),
        "e": Measured("e", 100, 200, 1, 1, 500, gated, cleared=1),
        "a": Measured("a", 100, 100, 11, 1, 500, {}),
    }
    found = aims(rows, [], 0.5)
    assert verdict(found, "(e) keeps") == "not met: 99 of 100"
    assert verdict(found, "(e) at least") == "met: 11.00 times"
    table = rows_table(rows, {"d": "no such form"}, 0.5)
    assert "99.0 % of 100 | 99 of 100 | 0 | 0 |" in table
    assert "Not measured: (d) as (c), int8: no such form." in table


def test_agreement_counts_both_kinds_of_difference() -> None:
    found = agreement({"a": 0.6, "b": 0.2, "c": None, "d": 0.1}, {"a": 0.4, "b": 0.7, "c": 0.1, "e": 0.9}, 0.5)
    assert found is not None
    assert (found.articles, found.equal, found.flags, found.kept) == (3, 1, 1, 0)
    assert found.largest == pytest.approx(0.5) and found.mean == pytest.approx(0.35)
    assert agreement({"a": 0.1}, {"b": 0.1}, 0.5) is None
