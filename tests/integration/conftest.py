"""A folder to work in as a user does, with a space in its path, and one run trained there by the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.config import Config

if TYPE_CHECKING:
    from mlflow import MlflowClient

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "configs" / "quickstart.yaml"
AXE = ROOT / ".venv/axe/node_modules/axe-core/axe.min.js"
INBOX = ROOT / "data" / "sample" / "inbox"
RUN_ID = re.compile(r"MLflow run  (\w{32})")
SECONDS_TO_START = 240
"""Of an MLflow server on a busy machine."""
GIT = ("git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org")


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder in which commands run."""

    folder: Path

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "fimiscope", *map(str, words)]

    def command_in_parts_of(self, articles: int, *words: str | Path) -> list[str]:
        """`fimiscope …` with parts of so many articles; the shipped ones are so large that a test would see but one."""
        small = f"from fimiscope.predict import parts; parts.MOST_ARTICLES = {articles}; import fimiscope.cli as c"
        return [sys.executable, "-c", f"{small}; c.main()", *map(str, words)]

    def run(
        self,
        *words: str | Path,
        code: int = 0,
        stdin: str = "",
        variables: dict[str, str] | None = None,
        limit: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run `fimiscope …` here; the exit code must be `code`; `limit` is in seconds."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=os.environ | (variables or {}),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=limit,
            check=False,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def refusal(self, *words: str | Path, variables: dict[str, str] | None = None) -> str:
        """The one line with which `fimiscope …` refuses its input."""
        done = self.run(*words, code=2, variables=variables)
        [line] = done.stderr.splitlines()
        return line


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A training run that Ctrl-C ended in its second epoch, and what lay there afterwards."""

    code: int
    output: str
    errors: str
    checkpoint: int
    left: list[str]


@dataclass(frozen=True, slots=True)
class Trained:
    """The same run, brought to its end by `--resume`, and registered."""

    run_id: str
    folder: Path
    output: str
    commit: str


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A running `mlflow server` without passwords."""

    address: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Kill it with its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def mlflow_server() -> Callable[[str, Path], AbstractContextManager[MlflowServer]]:
    """Starts `mlflow server` over a store, in a folder."""

    @contextmanager
    def start(store: str, folder: Path) -> Iterator[MlflowServer]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = ("-m", "mlflow", "server", "--backend-store-uri", store, "--port", str(port), "--workers", "1")
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        server = MlflowServer(f"http://127.0.0.1:{port}", process)
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while not _answers(f"{server.address}/health"):
                assert process.poll() is None, "mlflow server ended by itself"
                assert time.monotonic() < deadline, "mlflow server does not answer"
                time.sleep(0.5)
            yield server
        finally:
            server.stop()

    return start


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium that keeps its console and what it asks for."""
    browser, service = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or service is None:
        pytest.skip("chromium and chromedriver are not installed (on Debian: apt-get install chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--lang=en",
        "--window-size=1280,1000",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(service))
    running.set_script_timeout(120)  # axe reads all nodes, on a machine that may have other work
    yield running
    running.quit()


@pytest.fixture(scope="session")
def emulate() -> Callable[[Any, int, str], None]:
    """Sets the width of what a Chromium shows, in CSS pixels, and its colour scheme."""

    def use(page: Any, width: int, scheme: str) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    return use


@pytest.fixture(scope="session")
def assert_accessible() -> Callable[[Any], None]:
    """Has axe look at the page, or frame, that a Chromium shows."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run  make axe")
    source = AXE.read_text(encoding="utf-8")

    def check(page: Any) -> None:
        page.execute_script(source)
        found = page.execute_async_script("axe.run(document).then(arguments[0])")
        assert len(found["passes"]) > 20
        assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found["violations"]] == []

    return check


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("a place to work"))


@pytest.fixture(scope="session")
def small(tiny_config: Config) -> list[str]:
    """Overrides that cut a shipped config to three short epochs on about 60 invented texts."""
    document = tiny_config.model_dump(mode="json")
    source = document["corpus"]["sources"][0] | {"hold_out": {"valid": 0.2, "test": 0.4}}
    values = {
        "corpus.sources": json.dumps([source]),
        "encoder": "tiny",
        "encoder_layers": "null",
        "windows": "{size: 96, overlap: 16}",
        "training.head_epochs": "1",
        "training.epochs": "3",
        "training.batch": "1",
    }
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="session")
def interrupted(workplace: Workplace, small: list[str]) -> Interrupted:
    """The shipped quickstart, cut short, in a git checkout of the user's own, stopped by Ctrl-C."""
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "Start")):
        subprocess.run([*GIT, *words], cwd=workplace.folder, check=True)
    process = subprocess.Popen(
        workplace.command("train", QUICKSTART, *small),
        cwd=workplace.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("epoch 1:"):
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=120)
    models = workplace.folder / "models"
    checkpoints = [int(path.name.split("-")[1]) for path in (models / ".quickstart.checkpoints").glob("checkpoint-*")]
    left = sorted(path.name for path in models.iterdir())
    return Interrupted(process.returncode, "".join(lines) + rest, errors, max(checkpoints, default=0), left)


@pytest.fixture(scope="session")
def trained(workplace: Workplace, small: list[str], interrupted: Interrupted) -> Trained:
    done = workplace.run("train", QUICKSTART, *small, "--resume", "--register", limit=900)
    assert done.stderr == ""
    found = RUN_ID.search(done.stdout)
    assert found is not None
    folder = workplace.folder / "models" / "quickstart"
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=workplace.folder, check=True, capture_output=True)
    return Trained(found[1], folder, done.stdout, head.stdout.decode().strip())


@pytest.fixture(scope="session")
def client(workplace: Workplace) -> MlflowClient:
    """A client of the store in the workplace."""
    with warnings.catch_warnings():
        # What mlflow says about itself while it is imported is not ours to mend.
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient, pyfunc

        assert pyfunc is not None
        client = MlflowClient(tracking_uri=workplace.store)
        client.search_experiments(max_results=1)
    return client


@pytest.fixture
def tracked_here(
    workplace: Workplace, trained: Trained, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> MlflowClient:
    """For calls inside this process: the store of the workplace, which holds the trained run already."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workplace.store)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(workplace.folder)
    return client
