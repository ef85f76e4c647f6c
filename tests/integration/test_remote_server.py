"""A real MLflow server with PostgreSQL and passwords, on loopback: train, list, predict, promote; nothing leaks.

PostgreSQL is installed from Debian where it is missing and the tests run as root; else they are skipped.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Workplace

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "configs" / "quickstart.yaml"
SCRIPTS = Path(sys.executable).parent
RUN_ID = re.compile(r"MLflow run  (\w{32})")
SECRET = "geheim"
USER, PASSWORD = "admin", f"{SECRET}-of the/server@1"
KEEPER, DATABASE_PASSWORD = "keeper", f"{SECRET}-of-the-database"
WORDS_ALONE = ("--set", "encoder=null", "--set", "lexical={buckets: 4096}")
GIT_REMOTE = f"https://tester:{SECRET}-of-git@127.0.0.1/fimiscope.git"
FROM_A_SCRIPT = "from fimiscope.cli import main\n\nmain()\n"

pytestmark = [pytest.mark.slow, pytest.mark.remote]


@dataclass(frozen=True, slots=True)
class Server:
    """A running MLflow server, and the folders and the database in which it keeps things."""

    address: str
    artifacts: Path
    log: Path
    database: Database

    @property
    def variables(self) -> dict[str, str]:
        return {
            "MLFLOW_TRACKING_URI": self.address,
            "MLFLOW_TRACKING_USERNAME": USER,
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        }


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL cluster of our own."""

    port: int
    programs: Path

    def uri(self, name: str) -> str:
        return f"postgresql://{KEEPER}:{DATABASE_PASSWORD}@127.0.0.1:{self.port}/{name}"

    def run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [self.programs / program, "-h", "127.0.0.1", "-p", str(self.port), "-U", KEEPER, *words],
            env=os.environ | {"PGPASSWORD": DATABASE_PASSWORD},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def programs() -> Path:
    """Folder of PostgreSQL's programs."""
    if (found := _programs()) is not None:
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("PostgreSQL is not installed, and only root can install it from Debian")
    for words in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "postgresql")):
        done = subprocess.run(["apt-get", *words], capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            pytest.skip(f"PostgreSQL cannot be installed from Debian: {done.stderr[-200:]}")
    found = _programs()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def database(programs: Path) -> Iterator[Database]:
    """The cluster lies outside pytest's folders, which only their owner may enter: root cannot run PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="fimiscope-postgres-"))
    password = folder / "password"
    password.write_text(DATABASE_PASSWORD)
    as_owner: tuple[str, ...] = ()
    if os.geteuid() == 0:
        as_owner = ("runuser", "-u", "postgres", "--")
        for path in (folder, password):
            shutil.chown(path, "postgres", "postgres")
    data, found = folder / "data", Database(_free_port(), programs)
    control = [*as_owner, programs / "pg_ctl", "-D", data, "-w"]
    sockets = f"-p {found.port} -k {folder} -c listen_addresses=127.0.0.1"
    initial = ("-U", KEEPER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-sync")
    try:
        subprocess.run([*as_owner, programs / "initdb", "-D", data, *initial], cwd=folder, check=True)
        subprocess.run([*control, "-o", sockets, "-l", folder / "log", "start"], cwd=folder, check=True)
        try:
            for name in ("runs", "users"):
                found.run("createdb", name)
            yield found
        finally:
            subprocess.run([*control, "-m", "fast", "stop"], cwd=folder, check=True)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`mlflow server --app-name basic-auth`, as docs/registry.md starts it."""
    folder = tmp_path_factory.mktemp("server")
    settings = folder / "users.ini"
    settings.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {database.uri('users')}\nadmin_username = {USER}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\nauth_cache_ttl_seconds = 60\n"
    )
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
        "MLFLOW_BACKEND_STORE_URI": database.uri("runs"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
    }
    port = _free_port()
    words = ("server", "--app-name", "basic-auth", "--artifacts-destination", folder / "artifacts", "--workers", "1")
    found = Server(f"http://127.0.0.1:{port}", folder / "artifacts", folder / "log", database)
    with found.log.open("w") as log:
        process = subprocess.Popen(
            [SCRIPTS / "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=os.environ | variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(found, process)
            yield found
        finally:
            # The server and its workers are a group of their own; they are given no time to say goodbye.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def place(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A checkout whose git remote has a password in its address, with a script that runs `fimiscope`."""
    folder = tmp_path_factory.mktemp("remote")
    (folder / "go.py").write_text(FROM_A_SCRIPT)
    git = ("git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    for words in (("init", "--quiet"), ("remote", "add", "origin", GIT_REMOTE), ("add", "go.py")):
        subprocess.run([*git, *words], cwd=folder, check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "Start"], cwd=folder, check=True)
    return replace(workplace, folder=folder)


def test_the_whole_road_on_a_server_with_passwords(place: Workplace, small: list[str], server: Server) -> None:
    said = []
    done = subprocess.run(
        [sys.executable, "go.py", "train", str(QUICKSTART), *small, *WORDS_ALONE, "--register"],
        cwd=place.folder,
        env=os.environ | server.variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said.append(done.stdout + done.stderr)
    assert "registered  models:/fimiscope/1" in done.stdout
    assert f"open {server.address}" in done.stdout
    first = RUN_ID.search(done.stdout)
    assert first is not None

    # The second run names user and password in the address.
    coded = f"http://{USER}:{PASSWORD.replace(' ', '%20').replace('/', '%2F').replace('@', '%40')}@"
    in_address = {"MLFLOW_TRACKING_URI": server.address.replace("http://", coded)}
    weaker = (*WORDS_ALONE, "--set", "lexical.strength=0.01")
    done = place.run("train", QUICKSTART, *small, *weaker, variables=in_address, limit=900)
    said.append(done.stdout + done.stderr)
    second = RUN_ID.search(done.stdout)
    assert second is not None

    rules = place.folder / "rules.yaml"
    rules.write_text("rules:\n- {figure: flag/brier_skill, at_least: -10}\n- {figure: flag/pr_auc, gain: -1}\n")
    for variables, words in (
        (server.variables, ("promote", first[1], "--rules", rules)),
        (in_address, ("promote", second[1], "--rules", rules)),
        (server.variables, ("rollback",)),
    ):
        done = place.run(*words, variables=variables)
        said.append(done.stdout + done.stderr)
    assert "models:/fimiscope/1 is @champion again" in said[-1]

    inbox = place.folder / "inbox.jsonl"
    inbox.write_text('{"id": "a", "text": "The mayor of the invented town of Kolo opened a covered market today."}\n')
    done = place.run(
        *("predict", inbox, "--model", "models:/fimiscope@champion", "--output", "remote.jsonl", "--log"),
        variables=server.variables,
    )
    said.append(done.stdout + done.stderr)
    place.run("predict", inbox, "--model", "models:/fimiscope/1", "--output", "same.jsonl", variables=server.variables)
    assert (place.folder / "remote.jsonl").read_bytes() == (place.folder / "same.jsonl").read_bytes()

    assert not any(SECRET in text for text in said)
    # What the server keeps: parameters, tags, descriptions and everything else in the database, and all artifacts.
    kept = server.database.run("pg_dump", "runs")
    assert first[1] in kept
    assert "https://127.0.0.1/fimiscope.git" in kept
    assert SECRET not in kept
    artifacts = [path for path in server.artifacts.rglob("*") if path.is_file()]
    assert any(path.name == "card.md" for path in artifacts)
    written = [*artifacts, *(path for path in (place.folder / "models").rglob("*") if path.is_file())]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert not (place.folder / "mlflow.db").exists()


def test_a_wrong_password_is_said_in_one_line_before_anything_is_done(
    place: Workplace, small: list[str], server: Server
) -> None:
    wrong = server.variables | {"MLFLOW_TRACKING_PASSWORD": f"{SECRET}-and-wrong"}
    done = place.run("train", QUICKSTART, *small, code=2, variables=wrong)
    [line] = done.stderr.splitlines()
    assert f"the MLflow store {server.address} cannot be reached (it refuses the user or password" in line
    assert done.stdout == ""
    assert SECRET not in line
    assert SECRET not in place.run("--debug", "train", QUICKSTART, *small, code=2, variables=wrong).stderr


def test_offline_uses_the_local_store_whatever_the_variables_say(
    place: Workplace, small: list[str], tmp_path: Path
) -> None:
    elsewhere = replace(place, folder=tmp_path)
    variables = {"MLFLOW_TRACKING_URI": f"http://{USER}:{SECRET}@127.0.0.1:{_free_port()}"}
    done = elsewhere.run("train", QUICKSTART, *small, *WORDS_ALONE, "--offline", variables=variables, limit=900)
    assert "mlflow server --backend-store-uri sqlite:///mlflow.db" in done.stdout
    assert (tmp_path / "mlflow.db").exists()


def _programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, server.log.read_text()
        try:
            with urllib.request.urlopen(f"{server.address}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(server.log.read_text())
