"""`fimiscope gate fit`: a gate is fitted, logged and put into the bundle, and `predict` asks it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from fimiscope.shipped import shipped
from integration.conftest import Workplace

TEXTS = 2300

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


def test_a_gate_is_fitted_logged_and_asked(workplace: Workplace, flagging_bundle: Path) -> None:
    from mlflow import MlflowClient

    rows = shipped("sample/passages.jsonl").read_text(encoding="utf-8").splitlines()[:TEXTS]
    (workplace.folder / "stream.jsonl").write_text("\n".join([*rows, "no json"]), encoding="utf-8")
    fit = ("gate", "fit", "stream.jsonl", "--model", flagging_bundle, "--json")
    report = json.loads(workplace.run(*fit).stdout)
    kept = report["kept"]["balanced"]
    assert kept["texts"] >= 1000
    assert kept["lost"] <= 0.005 * kept["families"] < 0.005 * TEXTS
    assert report["failed"] == 1
    logged = MlflowClient(tracking_uri=workplace.store).get_run(report["run"]).data
    assert logged.metrics["bound"] == kept["bound"]
    assert logged.tags["bundle.version"] == report["version"]

    (workplace.folder / "few.jsonl").write_text("\n".join(rows[:300]), encoding="utf-8")
    workplace.run("predict", "few.jsonl", "--model", flagging_bundle, "--output", "few.csv")
    with (workplace.folder / "few.csv").open(encoding="utf-8", newline="") as file:
        gates = [row["gate"] for row in csv.DictReader(file)]
    assert len(gates) == 300
    assert "true" in gates


def test_too_few_flags_and_no_bundle_are_told_in_one_line(workplace: Workplace, flagging_bundle: Path) -> None:
    (workplace.folder / "few.jsonl").write_text('{"text": "The mayor opened a covered market on Monday."}\n')
    line = workplace.refusal("gate", "fit", "few.jsonl", "--model", flagging_bundle)
    assert "a gate needs 1,000 of them" in line
    assert "no/model" in workplace.refusal("gate", "fit", "few.jsonl", "--model", "no/model")
