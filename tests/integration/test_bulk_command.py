"""`fimiscope predict` that is killed again and again: nothing is lost, nothing is scored twice, no byte differs."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Workplace

PARTS = 40
ARTICLES_OF_A_PART = 12
KILLED_AFTER = (2, 9, 20, 30, 38)


def command(workplace: Workplace, bundle: Path, output: str) -> list[str]:
    words = ("predict", workplace.folder / "stream.jsonl", "--model", bundle, "--output", output, "--json")
    return workplace.command_in_parts_of(ARTICLES_OF_A_PART, *words)


def finished_parts(workplace: Workplace, output: str) -> list[int]:
    manifest = workplace.folder / f".{output}.parts" / "manifest.jsonl"
    if not manifest.exists():
        return []
    whole = manifest.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line)["part"] for line in whole.splitlines()[1:]]


def end_of(workplace: Workplace, bundle: Path, output: str) -> dict[str, Any]:
    done = subprocess.run(
        command(workplace, bundle, output), cwd=workplace.folder, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 3, done.stderr
    event: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return event


@pytest.fixture(scope="module")
def stream(workplace: Workplace) -> Path:
    """Invented articles for `PARTS` parts; every fiftieth line is broken, every seventh text came before."""
    path = workplace.folder / "stream.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(PARTS * ARTICLES_OF_A_PART):
            said = number - 3 if number % 7 == 6 else number
            text = f"The invented town of Kolo opened market number {said} on a Monday, and masons were thanked. " * 5
            file.write("{broken\n" if number % 50 == 49 else json.dumps({"id": f"n{number}", "text": text}) + "\n")
    return path


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process without its consent")
def test_killed_at_any_point_it_goes_on_and_gives_the_same_bytes(
    workplace: Workplace, tiny_bundle: Path, stream: Path
) -> None:
    assert end_of(workplace, tiny_bundle, "whole.csv")["parts_scored"] == PARTS
    for point in KILLED_AFTER:
        process = subprocess.Popen(
            command(workplace, tiny_bundle, "killed.csv"), cwd=workplace.folder, stdout=subprocess.DEVNULL
        )
        while len(finished_parts(workplace, "killed.csv")) < point and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (workplace.folder / "killed.csv").exists()
    kept = finished_parts(workplace, "killed.csv")
    # A part that was scored again would have a second line.
    assert kept == list(range(len(kept)))
    assert PARTS > len(kept) >= KILLED_AFTER[-1]
    end = end_of(workplace, tiny_bundle, "killed.csv")
    assert (end["parts_kept"], end["parts_scored"]) == (len(kept), PARTS - len(kept))
    for name in ("{}.csv", "{}.csv.quarantine.jsonl"):
        whole, killed = (workplace.folder / name.format(run) for run in ("whole", "killed"))
        assert killed.read_bytes() == whole.read_bytes()
    assert not (workplace.folder / ".killed.csv.parts").exists()


def test_ctrl_c_says_how_to_go_on(workplace: Workplace, tiny_bundle: Path, stream: Path) -> None:
    process = subprocess.Popen(
        command(workplace, tiny_bundle, "stopped.csv"),
        cwd=workplace.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while len(finished_parts(workplace, "stopped.csv")) < 3 and process.poll() is None:
        time.sleep(0.01)
    # As a batch system ends a job; Ctrl-C takes the same way.
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fimiscope: stopped; the same command goes on from here\n"
    assert end_of(workplace, tiny_bundle, "stopped.csv")["parts_kept"] >= 3


def test_events_tell_a_program_how_far_the_run_is(workplace: Workplace, tiny_bundle: Path, stream: Path) -> None:
    done = subprocess.run(
        command(workplace, tiny_bundle, "told.jsonl"), cwd=workplace.folder, capture_output=True, check=False
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["progress"] * (len(events) - 1) + ["end"]
    end = events[-1]
    rows = (workplace.folder / "told.jsonl").read_text(encoding="utf-8").splitlines()
    assert end["flagged"] + end["clear"] + end["abstained"] + end["failed"] == len(rows) == PARTS * ARTICLES_OF_A_PART
    assert end["copies"] > 0
    assert end["scored"] + end["copies"] + end["failed"] == len(rows)
    assert end["articles_per_second"] > 0
    assert done.stderr == b""
