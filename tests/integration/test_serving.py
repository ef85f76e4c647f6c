"""MLflow's own model server with our model: the answers of `fimiscope predict`, bounds, bad requests, and load."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.shipped import shipped

if TYPE_CHECKING:
    from conftest import Workplace

PLAIN = "The mayor of the invented town of Kolo opened a covered market on Monday and thanked the masons for it."
REGISTERED = re.compile(r"^registered  (models:/\S+)$", re.MULTILINE)
TIME_LIMIT = 30
LOAD_SECONDS = 20
USERS = 4
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
SCRIPTS = Path(sys.executable).parent
HOSTILE = (
    "\x00" * 50,
    "😀" * 5000,
    "<script>alert(1)</script>{{7*7}}${jndi:ldap://127.0.0.1/a}' OR 1=1 --",
    "<div>" * 20_000 + PLAIN,
    "‮" + PLAIN[::-1],
    "e" + "\u0301" * 20_000,
    "=cmd|' /C calc'!A0",
    "word" * 40_000,
)

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Server:
    """A running model server."""

    address: str

    def post(self, body: Any, kind: str = "application/json") -> tuple[int, str]:
        """Status and body of the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/invocations", data, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=2 * TIME_LIMIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def answers(self, *rows: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
        status, body = self.post({"dataframe_records": rows, "params": params})
        assert status == 200, body
        found: list[dict[str, Any]] = json.loads(body)["predictions"]
        return found


@pytest.fixture(scope="module")
def articles(workplace: Workplace) -> Path:
    """Invented articles with all columns, some without, and one that cannot be read."""
    lines = shipped("sample/corpus.jsonl").read_text(encoding="utf-8").splitlines()[::200][:25]
    rows = [{"id": (row := json.loads(line))["id"], "text": row["text"], "language": row["language"]} for line in lines]
    about = {"title": "Kolo opens a market", "published": "2025-06-02", "outlet": "The Kolo Times"}
    rows[0] |= about | {"url": "https://example.org/kolo"}
    rows += [{"id": rows[1]["id"], "text": PLAIN}, {"id": "short", "text": "Le pont."}, {"id": "none", "text": None}]
    file = workplace.folder / "articles.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def server(workplace: Workplace, tiny_bundle: Path) -> Iterator[Server]:
    """The tiny bundle, registered by the command line, behind `mlflow models serve`."""
    registered = REGISTERED.search(workplace.run("model", "register", tiny_bundle).stdout)
    assert registered is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("models", "serve", "-m", registered[1], "--env-manager", "local")
    variables = {"MLFLOW_TRACKING_URI": workplace.store, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (workplace.folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [SCRIPTS / "mlflow", *words, "--port", str(port), "--timeout", str(TIME_LIMIT)],
            cwd=workplace.folder,
            env=os.environ | variables | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
        )
        found = Server(f"http://127.0.0.1:{port}")
        try:
            _wait(found, process, workplace.folder / "server.log")
            yield found
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{server.address}/ping", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(log.read_text())


def test_answers_equal_those_of_predict_on_the_same_articles(
    workplace: Workplace, tiny_bundle: Path, articles: Path, server: Server
) -> None:
    answered = server.answers(*map(json.loads, articles.read_text(encoding="utf-8").splitlines()))
    words = ("predict", articles, "--model", tiny_bundle)
    workplace.run(*words, "--output", "served.csv", code=3)
    with (workplace.folder / "served.csv").open(encoding="utf-8-sig", newline="") as file:
        sheet = list(csv.DictReader(file))
    assert [list(row) for row in answered] == [list(row) for row in sheet]
    for served, cells in zip(answered, sheet, strict=True):
        for name, value in served.items():
            if isinstance(value, float):
                assert float(cells[name]) == pytest.approx(value, abs=2e-6)
            else:
                assert cells[name].removeprefix("'") == _written(value).removeprefix("'"), name
    assert {row["status"] for row in answered} >= {"scored", "failed"}


def _written(value: str | int | bool | None) -> str:
    """A value as a cell of a csv."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_profile_and_evidence_are_parameters_of_a_request(server: Server) -> None:
    lines = shipped("sample/corpus.jsonl").read_text(encoding="utf-8").splitlines()[:20]
    rows = [{"text": json.loads(line)["text"]} for line in lines]
    plain, recall = server.answers(*rows), server.answers(*rows, profile="high-recall")
    flags = [[row["flag"] or row["status"] == "abstained" for row in answer] for answer in (plain, recall)]
    assert sum(flags[1]) >= sum(flags[0])
    assert any(row["evidence_text_1"] for row in plain)
    bare = server.answers(*rows, evidence=False)
    assert not any(row["evidence_text_1"] for row in bare)
    assert [row["role_label"] for row in bare] == [row["role_label"] for row in plain]
    assert [row["id"] for row in bare] == [str(number) for number in range(1, 21)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"dataframe_rec', "valid JSON"),
        (b"\xff\xfe\x00", "valid JSON"),
        ({"dataframe_records": [{"title": "no text"}]}, "'text': string (required)"),
        ({"dataframe_records": [{"text": PLAIN}] * 10_000}, "10000 articles in one request: send at most 100"),
        ({"dataframe_records": [{"text": PLAIN * 3000}]}, "characters in one request: send at most 200000"),
        ({"dataframe_records": [{"text": PLAIN, "url": PLAIN * 3000}]}, "send at most 200000"),
        ({"dataframe_records": [{"text": PLAIN}], "params": {"profile": "loud"}}, "choose balanced, high-recall"),
        ({"dataframe_records": [{"text": PLAIN}], "params": {"evidence": "yes"}}, "'evidence'"),
    ],
)
def test_a_bad_request_is_refused_in_words_and_the_next_is_answered(server: Server, body: Any, said: str) -> None:
    status, answer = server.post(body)
    assert status == 400
    assert said in answer
    [verdict] = server.answers({"text": PLAIN})
    assert verdict["status"] in ("scored", "abstained")


def test_what_is_no_text_fails_alone_and_hostile_strings_are_only_text(server: Server) -> None:
    odd: list[Any] = [None, "", 12, ["a"], {"a": 1}]
    verdicts = server.answers(*({"text": text, "id": n, "title": t} for n, (text, t) in enumerate(_mixed(odd), 1)))
    assert [row["status"] for row in verdicts[: len(odd)]] == ["failed"] * len(odd)
    assert all(row["reason"] for row in verdicts[: len(odd)])
    for text in HOSTILE:
        first, second = server.answers({"text": text, "title": text[:100]}, {"text": PLAIN})
        assert first["status"] in ("scored", "abstained", "failed")
        assert second["status"] in ("scored", "abstained")
        for number in (1, 2, 3):
            if (quote := first[f"evidence_text_{number}"]) is not None:
                source = text if first[f"evidence_field_{number}"] == "text" else text[:100]
                assert source[first[f"evidence_start_{number}"] : first[f"evidence_end_{number}"]] == quote


def _mixed(odd: list[Any]) -> list[tuple[Any, str]]:
    return [*((text, "A title") for text in odd), (PLAIN, "A title")]


def test_under_load_no_request_fails(
    workplace: Workplace, articles: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shutil.which("locust", path=str(SCRIPTS)), "locust is in the extra dev"
    done = subprocess.run(
        [
            *(SCRIPTS / "locust", "--headless", "--only-summary", "-f", LOCUSTFILE, "--host", server.address),
            *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{LOAD_SECONDS}s", "--csv", "load"),
        ],
        cwd=workplace.folder,
        env=os.environ | {"ARTICLES": str(articles)},
        capture_output=True,
        encoding="utf-8",
        timeout=LOAD_SECONDS + 120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with (workplace.folder / "load_stats.csv").open(encoding="utf-8", newline="") as file:
        [total] = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    figures = f"{total['Request Count']} requests, {float(total['Requests/s']):.1f} a second, p95 {total['95%']} ms"
    with capsys.disabled():
        sys.stdout.write(f"\n{figures}\n")
    assert int(total["Request Count"]) > USERS
    assert int(total["Failure Count"]) == 0
    assert float(total["Max Response Time"]) < 1000 * TIME_LIMIT
