"""Giving a bundle its gate: the bundle that results, what is refused, and that nothing is scored twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fimiscope.bundle import Bundle, files
from fimiscope.errors import BundleError, CorpusError
from fimiscope.gating import give_gate, tables
from fimiscope.predict import Predictor
from fimiscope.records import Article
from fimiscope.shipped import shipped

TEXTS = 240


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two files of invented texts, and a broken line."""
    rows = shipped("sample/passages.jsonl").read_text(encoding="utf-8").splitlines()[:TEXTS]
    folder = tmp_path_factory.mktemp("texts")
    (folder / "first.jsonl").write_text("\n".join([*rows[: TEXTS // 2], "no json"]), encoding="utf-8")
    (folder / "second.jsonl").write_text("\n".join(rows[TEXTS // 2 :]), encoding="utf-8")
    return [str(folder / "first.jsonl"), str(folder / "second.jsonl")]


def test_the_bundle_gets_a_gate_and_stays_what_it_was(flagging_bundle: Path, inputs: list[str]) -> None:
    before = files.verify(flagging_bundle)
    report = give_gate(flagging_bundle, inputs, fewest=1)
    after = files.verify(flagging_bundle)
    assert after.files.keys() - before.files.keys() == {files.GATE, files.GATE_WEIGHTS}
    assert all(after.files[name] == entry for name, entry in before.files.items())
    assert after.version == report.version != before.version
    assert (after.name, after.created, after.trained_on) == (before.name, before.created, before.trained_on)
    gate = Bundle.load(flagging_bundle).gate
    assert gate is not None
    assert gate.kept == report.kept
    assert [source.name for source in report.sources] == ["first", "second"]
    assert sum(source.texts for source in report.sources) + report.failed == TEXTS + 1
    assert {cell for table in tables(report) for row in table.rows for cell in row} >= {"first", "second", "balanced"}
    assert [path.name for path in flagging_bundle.parent.iterdir()] == ["tiny"]


def test_a_second_call_scores_nothing_again(
    flagging_bundle: Path, inputs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = give_gate(flagging_bundle, inputs, fewest=1)

    def scored(self: Predictor, articles: object) -> list[Article]:
        raise AssertionError("a known text was scored")

    monkeypatch.setattr(Predictor, "examine", scored)
    again = give_gate(flagging_bundle, inputs, fewest=1)
    assert (again.version, again.sources, again.curve) == (first.version, first.sources, first.curve)


def test_too_few_flags_are_refused_and_change_nothing(flagging_bundle: Path, inputs: list[str]) -> None:
    before = (flagging_bundle / files.MANIFEST).read_bytes()
    with pytest.raises(CorpusError, match=r"of 24\d texts: a gate needs 1,000 of them"):
        give_gate(flagging_bundle, inputs)
    assert (flagging_bundle / files.MANIFEST).read_bytes() == before


def test_a_bundle_without_an_encoder_needs_no_gate(flagging_bundle: Path, inputs: list[str]) -> None:
    manifest = json.loads((flagging_bundle / files.MANIFEST).read_text())
    for name in (files.GRAPH, files.TOKENIZER, files.WINDOWS):
        (flagging_bundle / name).unlink()
        del manifest["files"][name]
    (flagging_bundle / files.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="has no encoder that a gate could spare"):
        give_gate(flagging_bundle, inputs, fewest=1)
