"""The number of cores follows from what the process is let use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fimiscope.bundle import cores
from fimiscope.bundle.cores import usable_cores


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four logical cores on two physical ones, all of them ours, without a quota."""
    for cpu, siblings in enumerate(("0-1", "0-1", "2-3", "2-3")):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings + "\n", encoding="ascii")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cores, "_TOPOLOGY", tmp_path)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    return tmp_path


def test_logical_cores_of_one_physical_count_once(machine: Path) -> None:
    assert usable_cores() == 2


def test_only_cores_that_the_process_may_use_count(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    assert usable_cores() == 1


@pytest.mark.parametrize(("quota", "expected"), [("max 100000", 2), ("150000 100000", 2), ("20000 100000", 1)])
def test_a_control_group_bounds_them(machine: Path, quota: str, expected: int) -> None:
    (machine / "cpu.max").write_text(quota + "\n", encoding="ascii")
    assert usable_cores() == expected


def test_here_there_is_at_least_one() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
