"""MLflow's own pages over two trained runs, in headless Chromium: what somebody sees who opens them after training."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import MlflowServer, Trained, Workplace

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.filterwarnings("ignore:::mlflow")]

PATIENCE = 240
"""Seconds until a page must show what it should: a busy machine starts the server and draws its charts slowly."""
Visit = Callable[[str, str], None]


@pytest.fixture(scope="module")
def runs(workplace: Workplace, small: list[str], trained: Trained, client: MlflowClient) -> list[Run]:
    """The trained run and one of the word model alone."""
    config = workplace.folder / "words.yaml"
    config.write_text((trained.folder / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    words = ("--set", "name=words", "--set", "encoder=null", "--set", "lexical={buckets: 1024}")
    workplace.run("train", config, *words)
    experiment = client.get_experiment_by_name("fimiscope")
    found = client.search_runs([experiment.experiment_id])
    return [next(run for run in found if run.info.run_name == name) for name in ("words", trained.folder.name)]


@pytest.fixture(scope="module")
def server(
    workplace: Workplace, runs: list[Run], mlflow_server: Callable[[str, Path], AbstractContextManager[MlflowServer]]
) -> Iterator[str]:
    """Address of `mlflow server` over the store of the workplace."""
    with mlflow_server(workplace.store, workplace.folder) as running:
        yield running.address


@pytest.fixture
def visit(chromium: Any, server: str, request: pytest.FixtureRequest) -> Visit:
    """Opens a page of the server and waits until it shows some words."""
    folder = request.config.getoption("--screenshots")
    # Narrower, MLflow puts what a run says of itself below the tags.
    chromium.set_window_size(1440, 1000)

    def go(path: str, words: str) -> None:
        chromium.switch_to.default_content()
        chromium.get("about:blank")
        chromium.get(f"{server}/#{path}{'&' if '?' in path else '?'}workflowType=machine_learning")
        _wait(lambda: words in _text(chromium), f"“{words}” on {path}", lambda: _text(chromium))
        if folder is not None:
            # Charts are drawn after the words around them.
            time.sleep(5)
            Path(folder).mkdir(parents=True, exist_ok=True)
            chromium.save_screenshot(str(Path(folder) / f"{request.node.originalname.removeprefix('test_')}.png"))

    return go


def test_experiment(visit: Visit, chromium: Any, runs: list[Run]) -> None:
    visit(f"/experiments/{runs[0].info.experiment_id}/runs", runs[0].info.run_name)
    shown = _text(chromium)
    assert all(run.info.run_name in shown for run in runs)


def test_run(visit: Visit, chromium: Any, runs: list[Run]) -> None:
    run = runs[1]
    visit(f"/experiments/{run.info.experiment_id}/runs/{run.info.run_id}", "Result: flag PR-AUC")
    _wait(lambda: "version.numpy" in _text(chromium), "the tags", lambda: _text(chromium))
    shown = _text(chromium)
    for words in ("Beside it", "train/loss", "test/flag/pr_auc", "test.digest", "codebook"):
        assert words in shown, words
    parameters = shown[shown.index("Parameters (") :]
    order = [parameters.index(name) for name in ("encoder\n", "corpus.sources\n", "training.learning_rate\n")]
    assert order == sorted(order)


def test_metrics_of_a_run_are_drawn(visit: Visit, chromium: Any, runs: list[Run]) -> None:
    run = runs[1]
    visit(f"/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/model-metrics", "test/flag")
    _wait(lambda: chromium.find_elements("css selector", ".js-plotly-plot .main-svg"), "a chart")


def test_compare(visit: Visit, chromium: Any, runs: list[Run]) -> None:
    ids = quote(json.dumps([run.info.run_id for run in runs]))
    experiments = quote(json.dumps([runs[0].info.experiment_id]))
    visit(f"/compare-runs?runs={ids}&experiments={experiments}", "Comparing 2 Runs")
    _wait(lambda: chromium.find_elements("css selector", ".js-plotly-plot .parcoords"), "parallel coordinates")
    shown = _text(chromium)
    assert all(run.info.run_name in shown for run in runs)
    # Settings in which the two differ stand side by side.
    assert "lexical no yes" in shown or "lexical yes no" in shown
    _tab(chromium, "Scatter Plot").click()
    _wait(lambda: chromium.find_elements("css selector", ".js-plotly-plot .cartesianlayer .xy"), "a scatter plot")
    assert "X-axis" in _text(chromium)


def test_registered_model(visit: Visit, chromium: Any, trained: Trained) -> None:
    visit("/models/fimiscope/versions/1", "Version 1")
    _wait(
        lambda: "A flag asks a person to read the text" in _text(chromium),
        "the summary of the model card",
        lambda: _text(chromium),
    )


def test_report(visit: Visit, chromium: Any, runs: list[Run]) -> None:
    run = runs[1]
    visit(f"/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts/report.html", "report.html")
    _wait(lambda: chromium.find_elements("css selector", "iframe"), "the report's frame")
    frame = chromium.find_element("css selector", "iframe")
    assert "allow-scripts" in frame.get_attribute("sandbox")
    chromium.switch_to.frame(frame)
    _wait(lambda: "Report" in _text(chromium), "the report", lambda: _text(chromium))
    assert chromium.find_elements("css selector", "svg")
    from selenium.webdriver.common.keys import Keys

    slider, said = chromium.find_element("css selector", "#threshold"), chromium.find_element("css selector", "#said")
    before = said.text
    for _ in range(30):
        slider.send_keys(Keys.ARROW_RIGHT)
    assert said.text != before
    # MLflow's own pages complain of a missing address of theirs; the report is a document without an address.
    ours = [
        entry for entry in chromium.get_log("browser") if "srcdoc" in entry["message"] or "blob:" in entry["message"]
    ]
    assert ours == []


def _tab(page: Any, name: str) -> Any:
    return next(tab for tab in page.find_elements("css selector", "[role=tab]") if tab.text == name)


def _text(page: Any) -> str:
    return page.find_element("tag name", "body").text


def _wait(ready: Callable[[], Any], what: str, shown: Callable[[], str] = lambda: "") -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come within {PATIENCE} seconds\n{shown()[:3000]}")
        time.sleep(0.5)
