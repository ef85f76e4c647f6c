"""What a run says of the checkout in which it was started."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fimiscope.tracking import run

GIT = ("git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "Start")):
        subprocess.run([*GIT, *words], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_checkout_is_dirty_once_something_in_it_has_changed(checkout: Path) -> None:
    clean = run.git_state()
    assert clean["git.dirty"] == "false"
    (checkout / "new").touch()
    assert run.git_state() == clean | {"git.dirty": "true"}


def test_what_git_cannot_say_is_unknown(checkout: Path) -> None:
    (checkout / ".git" / "index").write_text("no index", encoding="utf-8")
    state = run.git_state()
    assert state["git.dirty"] == "unknown"
    assert len(state["git.commit"]) == 40


def test_what_git_does_not_say_in_time_is_unknown(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(
        f'#!/bin/sh\n[ "$1" = status ] && exec sleep 60\nexec {shutil.which("git")} "$@"\n', encoding="utf-8"
    )
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
    monkeypatch.setattr(run, "GIT_SECONDS", 2.0)
    state = run.git_state()
    assert state["git.dirty"] == "unknown"
    assert len(state["git.commit"]) == 40


def test_a_folder_outside_of_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run.git_state() == {"git.commit": "none"}
