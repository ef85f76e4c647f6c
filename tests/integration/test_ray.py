"""`fimiscope predict --engine ray`: the verdicts of a local run, on a cluster of two workers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.predict.parts import Copy, Part
from fimiscope.predict.ray_engine import _read, _write
from fimiscope.records import Article, Unreadable

if TYPE_CHECKING:
    from conftest import Workplace

pytestmark = pytest.mark.ray
ARTICLES_OF_A_PART = 10
RAY = Path(sys.executable).with_name("ray")


@pytest.fixture(scope="module")
def stream(workplace: Workplace) -> Path:
    """45 invented articles: one line is broken, every fifth text came before."""
    path = workplace.folder / "for ray.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(45):
            said = number - 4 if number % 5 == 4 else number
            text = f"The invented town of Kolo opened market number {said} on a Monday, and masons were thanked. " * 4
            row = {"id": f"n{number}", "text": text, "outlet": f"Outlet {number % 3}"}
            file.write("{broken\n" if number == 21 else json.dumps(row) + "\n")
    return path


def predict(workplace: Workplace, bundle: Path, stream: Path, output: str, *words: str) -> dict[str, Any]:
    given = ("predict", stream, "--model", bundle, "--output", output, "--json", *words)
    done = subprocess.run(
        workplace.command_in_parts_of(ARTICLES_OF_A_PART, *given),
        cwd=workplace.folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 3, done.stderr
    event: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return event


@pytest.fixture(scope="module")
def local(workplace: Workplace, tiny_bundle: Path, stream: Path) -> Path:
    predict(workplace, tiny_bundle, stream, "local.parquet")
    return workplace.folder / "local.parquet"


def test_two_workers_give_the_bytes_of_a_local_run(
    workplace: Workplace, tiny_bundle: Path, stream: Path, local: Path
) -> None:
    end = predict(workplace, tiny_bundle, stream, "ray.parquet", "--engine", "ray", "--workers", "2")
    assert (end["parts_scored"], end["copies"], end["failed"]) == (5, 9, 1)
    assert (workplace.folder / "ray.parquet").read_bytes() == local.read_bytes()
    assert not (workplace.folder / ".ray.parquet.parts").exists()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a cluster of two nodes with one core each."""
    # Its token would lie in the home folder of whoever runs the tests.
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start = [str(RAY), "start", "--num-cpus", "1", "--disable-usage-stats", "--node-ip-address", "127.0.0.1"]
    head = [*start, "--head", "--port", str(port), "--include-dashboard", "false"]
    try:
        for words in (head, [*start, "--address", f"127.0.0.1:{port}"]):
            subprocess.run(words, check=True, capture_output=True)
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([str(RAY), "stop", "--force"], check=True, capture_output=True)


@pytest.mark.slow
def test_a_cluster_that_runs_already_takes_up_what_a_local_run_left(
    workplace: Workplace, tiny_bundle: Path, stream: Path, local: Path, cluster: str
) -> None:
    end = predict(workplace, tiny_bundle, stream, "cluster.parquet", "--engine", "ray", "--address", cluster)
    assert end["parts_scored"] == 5
    assert (workplace.folder / "cluster.parquet").read_bytes() == local.read_bytes()


def test_where_no_cluster_answers_one_line_says_so(workplace: Workplace, tiny_bundle: Path, stream: Path) -> None:
    words = ("predict", stream, "--model", tiny_bundle, "--output", "x.csv")
    line = workplace.refusal(*words, "--workers", "2")
    assert line == "fimiscope: --address and --workers belong to --engine ray"


def test_a_part_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    article = Article(
        "a", "Text", title="T", language="fr", published="2025", outlet="O", url="u", place="f:1", renamed="A"
    )
    bare = Article("b", "", place="")
    items = (article, Unreadable("c#2", "no JSON", "f:3", renamed="c"), Copy(bare, part=4, row=2), bare)
    part = Part.of(7, items)
    assert _read(_write(part, tmp_path / "part.parquet")) == part
