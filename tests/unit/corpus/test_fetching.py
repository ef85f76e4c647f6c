"""Fetching from an invented source on a local server; the network is never used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from fimiscope.corpus.annotated import read_annotations
from fimiscope.corpus.fetching import download, fetch, load_sources, sources_table
from fimiscope.errors import CorpusError
from fimiscope.reading import read_rows

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TABLE = "text\nThe harbour is open.\nThe road is closed.\n"
PATH = "data/some file.csv"
Make = Callable[..., dict[str, Any]]
Write = Callable[..., Path]


class Quiet(SimpleHTTPRequestHandler):
    requests: list[str]

    def __init__(self, *args: Any, requests: list[str], **kwargs: Any) -> None:
        self.requests = requests
        super().__init__(*args, **kwargs)

    def log_message(self, format: str, *args: Any) -> None:
        self.requests.append(str(args[0]))


class Truncating(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(TABLE.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(handler: Any) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("FIMISCOPE_SOURCES_URL", raising=False)


@pytest.fixture
def requests() -> list[str]:
    return []


@pytest.fixture
def server(tmp_path: Path, requests: list[str]) -> Iterator[str]:
    file = tmp_path / "served" / "someone/letters" / COMMIT / PATH
    file.parent.mkdir(parents=True)
    file.write_text(TABLE, encoding="utf-8")
    yield from serve(partial(Quiet, directory=str(tmp_path / "served"), requests=requests))


@pytest.fixture
def truncating_server() -> Iterator[str]:
    yield from serve(Truncating)


@pytest.fixture
def labels(write_jsonl: Write, annotation: Make) -> Path:
    rows = [
        annotation("b", "The road is closed.", outlet="The Gazette"),
        annotation("a", "The harbour is open.", url="https://example.org/a"),
        annotation("c", "This text is in no file."),
    ]
    return write_jsonl("labels.jsonl", rows)


def sources(folder: Path, *, digest: str | None = None, base_url: str = "http://127.0.0.1:9", **fields: Any) -> Path:
    files = {PATH: digest or sha256(TABLE.encode()).hexdigest()}
    origin = {"repository": "someone/letters", "commit": COMMIT, "licence": "MIT", "files": files}
    entry = {"about": "invented letters", "converter": "cells", "from": [origin]} | fields
    path = folder / "sources.yaml"
    path.write_text(yaml.safe_dump({"base_url": base_url, "sources": {"letters": entry}}), encoding="utf-8")
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_labelled_texts_arrive_with_their_ids(server: str, tmp_path: Path, labels: Path) -> None:
    into, said = tmp_path / "texts", list[str]()
    listed = sources(tmp_path)
    (fetched,) = fetch(
        ["letters"], into=into, sources=listed, annotations=labels, base_url=server, progress=said.append
    )
    assert (fetched.files, fetched.downloaded, fetched.texts, fetched.missing) == (1, 1, 2, 1)
    assert fetched.path == into / "letters.jsonl"
    assert str(fetched).startswith("letters: 1 files (1 fetched now), 2 of 3 labelled texts, in ")
    rows = [values for _, values in read_rows(fetched.path)]
    assert rows == [
        {"id": "a", "text": "The harbour is open.", "language": "en", "url": "https://example.org/a"},
        {"id": "b", "text": "The road is closed.", "language": "en", "outlet": "The Gazette"},
    ]
    assert said[-1].startswith("letters: 2 of 3 labelled texts are in ")


def test_what_is_there_and_right_is_not_fetched_again(
    server: str, requests: list[str], tmp_path: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIMISCOPE_SOURCES_URL", server + "/")
    again = partial(fetch, ["letters"], into=tmp_path / "texts", sources=sources(tmp_path), annotations=labels)
    assert [again()[0].downloaded, again()[0].downloaded, len(requests)] == [1, 0, 1]
    (raw,) = (tmp_path / "texts" / "raw").rglob("*.csv")
    raw.write_text("damaged", encoding="utf-8")
    assert again()[0].downloaded == 1
    assert raw.read_text(encoding="utf-8") == TABLE


def test_a_wrong_checksum_leaves_nothing_behind(server: str, tmp_path: Path, labels: Path) -> None:
    into = tmp_path / "texts"
    listed = sources(tmp_path, digest="0" * 64, base_url=server)
    with pytest.raises(CorpusError, match=r"some%20file\.csv is not the file that was listed"):
        fetch(["letters"], into=into, sources=listed, annotations=labels)
    assert left_in(into) == []


def test_a_missing_file_names_the_address_and_the_answer(server: str, tmp_path: Path, labels: Path) -> None:
    (tmp_path / "served/someone/letters" / COMMIT / PATH).unlink()
    with pytest.raises(CorpusError, match="cannot be fetched: the server says 404"):
        fetch(["letters"], into=tmp_path / "texts", sources=sources(tmp_path, base_url=server), annotations=labels)
    assert left_in(tmp_path / "texts") == []


def test_a_download_that_breaks_off_is_said(truncating_server: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=rf"broke off after {len(TABLE)} of 1,000 bytes: run the command again"):
        download(f"{truncating_server}/x", tmp_path / "deep/file", sha256="0" * 64)
    assert left_in(tmp_path) == []


def test_a_file_without_end_is_given_up(server: str, tmp_path: Path) -> None:
    address = f"{server}/someone/letters/{COMMIT}/data/some%20file.csv"
    with pytest.raises(CorpusError, match="is longer than 20 bytes"):
        download(address, tmp_path / "texts/file", sha256=sha256(TABLE.encode()).hexdigest(), largest=20)
    assert left_in(tmp_path / "texts") == []


def test_a_server_out_of_reach_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"cannot be fetched .*run the command again when it can be reached"):
        download("http://127.0.0.1:9/x", tmp_path / "file", sha256="0" * 64)


def test_a_source_without_a_converter_is_stored_as_it_is(server: str, tmp_path: Path, labels: Path) -> None:
    listed = sources(tmp_path, base_url=server, converter=None)
    said: list[str] = []
    (fetched,) = fetch(["letters"], into=tmp_path / "texts", sources=listed, annotations=labels, progress=said.append)
    assert left_in(tmp_path / "texts") == ["some file.csv"]
    assert "no converter" in said[-1]
    assert "as they are" in str(fetched)


def test_texts_that_a_user_has_are_never_overwritten(
    server: str, tmp_path: Path, labels: Path, write_jsonl: Write
) -> None:
    mine = write_jsonl("texts/letters.jsonl", [{"id": "mine", "text": "My own text."}])
    before = mine.read_text(encoding="utf-8")
    with pytest.raises(CorpusError, match="holds 1 texts that would be lost"):
        fetch(["letters"], into=tmp_path / "texts", sources=sources(tmp_path, base_url=server), annotations=labels)
    assert mine.read_text(encoding="utf-8") == before


def test_unknown_and_pathless_sources_are_refused_before_anything_is_fetched(tmp_path: Path, labels: Path) -> None:
    with pytest.raises(CorpusError, match=r"no source is named diaries \(known: letters\)"):
        fetch(["letters", "diaries"], into=tmp_path / "texts", sources=sources(tmp_path), annotations=labels)
    listed = sources(tmp_path, **{"from": [{"repository": "someone/letters", "commit": COMMIT}]})
    with pytest.raises(CorpusError, match="the path of letters in its repository is not known"):
        fetch(["letters"], into=tmp_path / "texts", sources=listed, annotations=labels)
    assert not (tmp_path / "texts").exists()


def test_only_the_web_is_fetched_from(tmp_path: Path, labels: Path) -> None:
    with pytest.raises(CorpusError, match="must begin with http"):
        fetch(["letters"], into=tmp_path, sources=sources(tmp_path), annotations=labels, base_url="file:///etc")


def test_a_faulty_list_names_all_its_faults(tmp_path: Path) -> None:
    origin = {"repository": "nobody", "commit": "main", "files": {"../../outside": "0" * 64, "inside": "short"}}
    with pytest.raises(CorpusError) as raised:
        load_sources(sources(tmp_path, converter="magic", **{"from": [origin]}))
    for fault in ("letters.converter: 'magic'", "expected repository", "leads out of the repository", "has no SHA-256"):
        assert fault in str(raised.value)


def test_a_missing_or_broken_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.yaml: No such file"):
        load_sources(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- a list", encoding="utf-8")
    with pytest.raises(CorpusError, match="expected base_url"):
        load_sources(tmp_path / "list.yaml")


def test_the_shipped_list_covers_every_annotated_corpus() -> None:
    listed = load_sources()
    annotated = read_annotations()
    assert set(listed.sources) == {corpus for corpus, _ in annotated}
    assert all(source.about and source.converter for source in listed.sources.values())
    assert all(origin.files for source in listed.sources.values() for origin in source.origins)
    assert [row[0] for row in sources_table(listed).rows] == list(listed.sources)
