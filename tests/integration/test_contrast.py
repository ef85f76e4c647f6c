"""The contrast suite as a user meets it: `fimiscope evaluate --contrast`, and the figures of a training run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.pipeline import train
from fimiscope.training import fit_bundle

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from conftest import Workplace


@pytest.fixture(scope="module")
def words_alone(tiny_config: Config) -> Config:
    """The word model of `tiny_config`, which trains and scores the suite in seconds."""
    return Config.model_validate(tiny_config.model_dump(mode="json") | {"name": "words", "encoder": None})


@pytest.fixture(scope="module")
def bundle(
    words_alone: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("models") / words_alone.name
    fit_bundle(words_alone, tiny_corpus, codebook, folder)
    return folder


def test_pass_rates_are_printed_by_kind_and_family_and_written(
    workplace: Workplace, bundle: Path, tmp_path: Path
) -> None:
    output = tmp_path / "measured"
    done = workplace.run("evaluate", "--contrast", "--families", "--model", bundle, "--output", output)
    assert done.stderr == ""
    order = ("Contrast suite: 90 families", "Contrast families of words", "Re-posts and look-alikes of words")
    places = [done.stdout.index(title) for title in order]
    assert places == sorted(places)
    for words in ("must", "beneficiary", "upper_case", "date_line", "re-posts recognised", "always carries", "en-c01"):
        assert words in done.stdout
    assert f"contrast.json is in {output}" in done.stdout
    assert [path.name for path in output.iterdir()] == ["contrast.json"]
    measured = json.loads((output / "contrast.json").read_text(encoding="utf-8"))
    assert set(measured) == {"words", "always carries"}
    for one in measured.values():
        for rate in one["rates"].values():
            assert 0 <= rate["passed"] <= rate["counted"] <= rate["texts"]
        assert len({text["id"] for text in one["texts"]}) == len(one["texts"]) == 1041


def test_contrast_and_labelled_articles_are_measured_together(
    workplace: Workplace, bundle: Path, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    rows = [
        {"id": e.article.id, "text": e.article.text, "role": e.labels.role, "africa": e.labels.africa}
        for e in tiny_corpus.part("test")
    ]
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    done = workplace.run("evaluate", "--contrast", "--model", bundle, "--data", data, "--json")
    figures: dict[str, dict[str, Any]] = json.loads(done.stdout)
    assert figures["words"]["articles"] == len(rows)
    assert 0 <= figures["words"]["contrast/base"] <= 1
    assert figures["always carries"]["contrast/must_change"] == 0
    assert "role/accuracy" not in figures["always carries"]


def test_options_without_what_they_belong_to_are_refused(workplace: Workplace, bundle: Path) -> None:
    model = ("evaluate", "--model", bundle)
    assert "give --data DATA, --contrast, or both" in workplace.refusal(*model)
    assert "--details belongs to --data" in workplace.refusal(*model, "--contrast", "--details")
    assert "--columns belongs to --data" in workplace.refusal(*model, "--contrast", "--columns", "text=Body")
    assert "--families belongs to --contrast" in workplace.refusal(*model, "--data", "mine.jsonl", "--families")
    assert "--round belongs to --contrast" in workplace.refusal(*model, "--data", "mine.jsonl", "--round", "1")
    assert "--round 9: the contrast suite" in workplace.refusal(*model, "--contrast", "--round", "9")

    taken = bundle / "manifest.json"
    assert f"--output {taken}: no folder can be made there" in workplace.refusal(
        *model, "--contrast", "--output", taken
    )


@pytest.mark.filterwarnings("ignore:::mlflow")
def test_a_training_run_logs_pass_rates_and_families_where_its_config_asks(
    tracked_here: MlflowClient, words_alone: Config, tmp_path: Path
) -> None:
    asked = words_alone.model_dump(mode="json") | {"evaluation": {"contrast": True}}
    finished = train(Config.model_validate(asked), models=tmp_path / "models")
    assert finished.contrast is not None
    assert finished.contrast.columns[3] == "words"
    assert finished.contrast.columns[4].startswith("majority (always ")
    figures = tracked_here.get_run(finished.run_id).data.metrics
    for name in ("base", "role", "must_change", "counted/swap", "counted/must_keep", "reposts", "lookalikes_flagged"):
        assert f"contrast/{name}" in figures
    tables = Path(tracked_here.download_artifacts(finished.run_id, "tables"))
    rates, families, reposts = (
        json.loads((tables / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("contrast", "contrast_families", "contrast_reposts")
    )
    assert [tuple(row) for row in rates["data"]] == list(finished.contrast.rows)
    assert (len(families["data"]), len(reposts["data"])) == (90, 48)


def test_a_run_that_does_not_ask_is_not_measured_on_the_suite(trained: Any, client: MlflowClient) -> None:
    assert not [name for name in client.get_run(trained.run_id).data.metrics if name.startswith("contrast/")]
