"""What the run above others logs of children that differ."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, stdev

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.evaluation.evaluate import Evaluation
from fimiscope.evaluation.judged import judge
from fimiscope.tracking.parent_run import parent_run

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


def test_a_parent_holds_the_mean_and_spread_of_unlike_children(
    tiny_config: Config, codebook: Codebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    areas = {"13": 0.2, "14": 0.6, "15": 0.1}
    children = {
        seed: Evaluation(seed, (), judge([], [], codebook), {"flag/pr_auc": area}) for seed, area in areas.items()
    }
    with parent_run(tiny_config, "seeds", list(areas)) as parent:
        parent.finish(children, "seeds", [])
    run = parent.client.get_run(parent.run_id)
    mean, spread = fmean(areas.values()), stdev(areas.values())
    assert run.data.metrics == pytest.approx({"children": 3, "test/flag/pr_auc": mean, "std/test/flag/pr_auc": spread})
    note = run.data.tags["mlflow.note.content"]
    assert f"flag PR-AUC {mean:.2f} ± {spread:.2f}" in note
    assert "**From worst to best**: 15 0.10, 13 0.20, 14 0.60" in note
    file = Path(parent.client.download_artifacts(parent.run_id, "tables/children.json", str(tmp_path)))
    table = json.loads(file.read_text(encoding="utf-8"))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert {row["seed"]: row["flag PR-AUC"] for row in rows} == areas
