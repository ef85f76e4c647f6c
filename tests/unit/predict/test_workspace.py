"""Finished parts outlive the run, and nothing that is damaged, cut off or of another job passes for finished."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from fimiscope.errors import OutputError
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
    workspace.leave()
    return workspace


def opened(output: Path, job: dict[str, str] = JOB) -> Workspace:
    """As the next run finds it, which is over at once."""
    workspace = Workspace.open(output, job)
    workspace.leave()
    return workspace


def test_a_finished_part_is_known_to_the_next_run_of_the_same_job_on_the_same_input(output: Path) -> None:
    assert opened(output).finished(0, "d0") is None
    with_two_parts(output)
    again = opened(output)
    found = again.finished(1, "d1")
    assert found is not None
    assert found.counts == {"clear": 2}
    assert again.finished(1, "other input") is None
    assert again.finished(2, "d2") is None


def test_parts_of_another_job_are_taken_away(output: Path) -> None:
    folder = with_two_parts(output).folder
    other = Workspace.open(output, JOB | {"profile": "high-recall"})
    assert other.finished(0, "d0") is None
    assert {path.name for path in folder.iterdir()} == {"lock", "manifest.jsonl"}
    other.leave()
    assert opened(output).finished(0, "d0") is None


def test_a_damaged_or_missing_part_is_not_finished(output: Path) -> None:
    workspace = with_two_parts(output)
    data = bytearray(workspace.path(0).read_bytes())
    data[len(data) // 2] ^= 1
    workspace.path(0).write_bytes(data)
    workspace.path(1).unlink()
    again = opened(output)
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
    again.leave()
    assert opened(output).finished(1, "d1") is not None


def test_a_line_of_no_known_form_ends_what_is_known(output: Path) -> None:
    workspace = with_two_parts(output)
    manifest = workspace.folder / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    for foreign in (b"[1]\n", b"{broken\n", b'{"part": 0, "colour": "blue"}\n'):
        manifest.write_bytes(b"".join([*lines[:2], foreign, *lines[2:]]))
        again = opened(output)
        assert again.finished(0, "d0") is not None
        assert again.finished(1, "d1") is None


def test_two_runs_cannot_write_the_same_result(output: Path) -> None:
    first = Workspace.open(output, JOB)
    with pytest.raises(OutputError, match="in use by another run"):
        Workspace.open(output, JOB)
    with pytest.raises(OutputError, match="in use by another run"):
        Workspace.open(output, JOB | {"profile": "high-recall"})
    first.finish(0, "d0", TABLE, {"clear": 2})
    first.leave()
    assert opened(output).finished(0, "d0") is not None


def test_a_part_that_was_scored_anew_replaces_the_former(output: Path) -> None:
    with_two_parts(output).finish(0, "changed input", TABLE, {"clear": 1})
    again = opened(output)
    assert again.finished(0, "d0") is None
    assert again.finished(0, "changed input") is not None


def test_removing_leaves_nothing_behind(output: Path) -> None:
    with_two_parts(output).remove()
    assert list(output.parent.iterdir()) == []


def test_a_run_that_finished_no_part_leaves_nothing_behind(output: Path) -> None:
    assert opened(output).folder.parent == output.parent
    assert list(output.parent.iterdir()) == []
    with_two_parts(output)
    assert opened(output).finished(1, "d1") is not None
