"""What all tests share: an environment of our own, no network, the codebook, and one small trained bundle."""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, Example, build
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.report import Report
from fimiscope.evaluation.rules import MAJORITY
from fimiscope.records import Article, Evidence, Labels, Span, Verdict
from fimiscope.shipped import shipped

OTHERS_SETTINGS = ("MLFLOW_", "HF_", "FIMISCOPE_")
TEXTS = "FIMISCOPE_TEXTS"
FAMILY_STEP = 7


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="FOLDER", help="keep pictures of MLflow's pages in FOLDER")


class NetworkBlocked(Exception):
    """A test tried to leave this machine."""


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of the developer's own reaches a test, and no test reaches the developer's cache."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(OTHERS_SETTINGS) and name != TEXTS:
                patch.delenv(name)
        patch.setenv("FIMISCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def real_texts_for_shared_tests_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("shared") is None:
        monkeypatch.delenv(TEXTS, raising=False)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Sockets reach this machine alone; anything else fails loudly, so that no code takes it for being offline."""
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: object) -> None:
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        if name not in ("", "localhost", "::1", "0.0.0.0", "::") and not name.startswith("127."):
            raise NetworkBlocked(f"a test tried to reach {name}: tests run without a network")

    def guarded(original: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                check(address[0])
            return original(self, address)

        return call

    def guarded_lookup(host: Any, *args: Any, **named: Any) -> Any:
        check(host)
        return lookup(host, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(connect))
        patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    """The shipped codebook."""
    return Codebook.load()


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """About 60 invented texts, English and French, on an encoder that trains in seconds, beside the word model."""
    folder = tmp_path_factory.mktemp("tiny")
    rows = [json.loads(line) for line in shipped("sample/corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    families = list(dict.fromkeys(row["family"] for row in rows if row["language"] in ("en", "fr")))[::FAMILY_STEP]
    corpus = folder / "invented.jsonl"
    chosen = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows if row["family"] in families]
    corpus.write_text("".join(chosen), encoding="utf-8")
    return Config.model_validate(
        {
            "name": "tiny",
            "corpus": {
                "sources": [{"kind": "labelled", "path": str(corpus), "hold_out": {"valid": 0.25, "test": 0.2}}]
            },
            "encoder": "tiny",
            "lexical": {"words": [1, 1], "characters": [3, 4], "buckets": 2**12},
            "windows": {"size": 96, "overlap": 16},
            "training": {
                "trainable_layers": 1,
                "head_epochs": 2,
                "epochs": 2,
                "batch": 8,
                "learning_rate": 1e-3,
                "head_learning_rate": 1e-2,
            },
        }
    )


@pytest.fixture(scope="session")
def tiny_corpus(tiny_config: Config, codebook: Codebook) -> Corpus:
    """The corpus of `tiny_config`, split by family."""
    return build(tiny_config.corpus, codebook, seed=tiny_config.seed)


@pytest.fixture(scope="session")
def report_of(codebook: Codebook) -> Callable[..., Report]:
    """The report of an imperfect model on invented texts in two languages, beside a shortcut."""

    def make(size: int = 60, *, texts: bool = True, says: str = "The far bank wants our mines.", **more: Any) -> Report:
        examples, verdicts, majority = [], [], []
        for number in range(size):
            language, role = ("en", "fr")[number % 3 == 0], codebook.role_codes[number * 7 % 4]
            before = f"[Invented] Rain number {number} fell on the hills of Kolo all day. "
            article = Article(f"invented-{number}", f"{before}{says} Nobody had an answer to that.", language=language)
            there = Span(len(before), len(before) + len(says))
            none = role == NO_ROLE
            code = codebook.narrative_codes[number % 10]
            labels = Labels(role, () if none else ("russia",), () if none else (code,), True, () if none else (there,))
            source = "wire" if number % 7 else "blog"
            examples.append(Example(article, labels, source, "test", f"group {number // 2}", len(article.text), 1.0))
            given = role if number % 5 else codebook.role_codes[number // 5 % 4]
            probability = round((0.3 if given == NO_ROLE else 0.7) + (number * 37 % 100 - 50) / 170, 4)
            shown = Evidence(there.start, there.end, says, "role", 0.9)
            verdict = Verdict(
                *(article.id, "scored", None, probability >= 0.5, probability),
                role=dict.fromkeys(codebook.role_codes, 0.05) | {given: 0.85},
                role_label=given,
                actors=dict.fromkeys(codebook.actor_codes, 0.2),
                narratives=dict.fromkeys(codebook.narrative_codes, 0.1),
                narratives_flagged=() if given == NO_ROLE else (code,),
                africa=0.9,
                evidence=() if given == NO_ROLE else (shown,),
                language=language,
                model={"name": "invented", "version": "7", "codebook": codebook.version, "trained_on": "nothing"},
            )
            verdicts.append(verdict)
            majority.append(replace(verdict, flag=False, flag_probability=0.2, role_label=NO_ROLE, evidence=None))
        evaluations = [
            Evaluation.of("invented", examples, verdicts, codebook),
            Evaluation.of(MAJORITY, examples, majority, codebook),
        ]
        settings = {"title": "Held-out part", "threshold": 0.5, "base_rate": 0.05} | more
        return Report.of(evaluations, examples, codebook, texts=texts, **settings)

    return make


@pytest.fixture(scope="session")
def torch_on_one_core() -> None:
    """Networks this small only wait for each other's threads, for minutes where the machine has other work."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_bundle(
    tiny_config: Config,
    tiny_corpus: Corpus,
    codebook: Codebook,
    torch_on_one_core: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Folder of a bundle with encoder, lexical model and blend. Copy it before you change anything in it."""
    from fimiscope.training import fit_bundle

    folder = tmp_path_factory.mktemp("models") / tiny_config.name
    fit_bundle(tiny_config, tiny_corpus, codebook, folder)
    return folder


@pytest.fixture
def flagging_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """The tiny bundle with thresholds that flag about half of the invented passages."""
    from fimiscope.bundle import files
    from fimiscope.bundle.decisions import PROFILES
    from fimiscope.predict import Predictor

    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    rows = [json.loads(line) for line in shipped("sample/passages.jsonl").read_text(encoding="utf-8").splitlines()]
    known = Predictor.load(folder).predict(Article(row["id"], row["text"]) for row in rows[:240:5])
    middle = statistics.median(verdict.flag_probability or 0.0 for verdict in known)
    manifest = files.verify(folder)
    decisions = files.read_json(folder / files.DECISIONS)
    for one in decisions.values():
        one |= {"flag": dict.fromkeys(PROFILES, middle), "band": 0.0}
    files.write_json(folder / files.DECISIONS, decisions)
    files.seal(folder, **{name: getattr(manifest, name) for name in files.FACTS})
    return folder
