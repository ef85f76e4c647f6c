"""Finished parts outlive the run, and nothing that is damaged, cut off or of another job passes for finished."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from fimiscope.predict.workspace import Workspace

JOB = {"model": "m", "profile": "balanced"}
TABLE = pa.table({"id": ["a", "b"]})


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "scores.csv"


def with_two_parts(output: Path) -> Workspace:
    workspace = Workspace.open(output, JOB)
    for number in range(2):
        workspace.finish(number, f"d{number}", TABLE, {"clear": 2})
    return workspace


def test_a_finished_part_is_known_to_the_next_run_of_the_same_job_on_the_same_input(output: Path) -> None:
    assert Workspace.open(output, JOB).finished(0, "d0") is None
    with_two_parts(output)
    again = Workspace.open(output, JOB)
    found = again.finished(1, "d1")
    assert found is not None
    assert found.counts == {"clear": 2}
    assert again.finished(1, "other input") is None
    assert again.finished(2, "d2") is None


def test_parts_of_another_job_are_taken_away(output: Path) -> None:
    folder = with_two_parts(output).folder
    other = Workspace.open(output, JOB | {"profile": "high-recall"})
    assert other.finished(0, "d0") is None
    assert [path.name for path in folder.iterdir()] == ["manifest.jsonl"]
    assert Workspace.open(output, JOB).finished(0, "d0") is None


def test_a_damaged_or_missing_part_is_not_finished(output: Path) -> None:
    workspace = with_two_parts(output)
    data = bytearray(workspace.path(0).read_bytes())
    data[len(data) // 2] ^= 1
    workspace.path(0).write_bytes(data)
    workspace.path(1).unlink()
    again = Workspace.open(output, JOB)
    assert again.finished(0, "d0") is None
    assert again.finished(1, "d1") is None


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_was_cut_off_counts_as_none_and_harms_no_other(output: Path, cut: int) -> None:
    workspace = with_two_parts(output)
    manifest = workspace.folder / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-cut])
    again = Workspace.open(output, JOB)
    assert again.finished(0, "d0") is not None
    assert again.finished(1, "d1") is None
    again.finish(1, "d1", TABLE, {"clear": 2})
    assert Workspace.open(output, JOB).finished(1, "d1") is not None


def test_a_part_that_was_scored_anew_replaces_the_former(output: Path) -> None:
    with_two_parts(output).finish(0, "changed input", TABLE, {"clear": 1})
    again = Workspace.open(output, JOB)
    assert again.finished(0, "d0") is None
    assert again.finished(0, "changed input") is not None


def test_removing_leaves_nothing_behind(output: Path) -> None:
    with_two_parts(output).remove()
    assert list(output.parent.iterdir()) == []


def test_a_run_that_finished_no_part_leaves_nothing_behind(output: Path) -> None:
    Workspace.open(output, JOB).remove_if_empty()
    assert list(output.parent.iterdir()) == []
    with_two_parts(output).remove_if_empty()
    assert Workspace.open(output, JOB).finished(1, "d1") is not None
