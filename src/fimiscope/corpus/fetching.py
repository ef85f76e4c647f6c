"""Fetches the real texts that the annotations label from the public repositories that carry them."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from fimiscope.checksums import sha256_of_file
from fimiscope.corpus.annotated import KNOWN_FACTS, Key, read_annotations
from fimiscope.corpus.converting import CONVERTERS, convert
from fimiscope.errors import CorpusError
from fimiscope.shipped import shipped
from fimiscope.tables import Table
from fimiscope.yaml_files import read_yaml

URL_VARIABLE = "FIMISCOPE_SOURCES_URL"
_LARGEST = 200_000_000
_CHUNK = 1 << 20
_SECONDS = 60
_SAID_EVERY = 25


@dataclass(frozen=True, slots=True)
class Origin:
    """Files of one public repository at one commit: path in the repository and SHA-256."""

    repository: str
    commit: str
    licence: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class PublicSource:
    """A corpus and where it can be had; without a converter its files are stored as they are.

    Attributes:
        translated: how its texts were translated, where that is known: `by machine`, `no` …
    """

    name: str
    about: str
    converter: str | None
    origins: tuple[Origin, ...]
    translated: str | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The list of public sources. `base_url` is followed by repository, commit and path."""

    base_url: str
    sources: dict[str, PublicSource]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one source.

    Attributes:
        files: files that lie in the folder now, of which `downloaded` came just now and the others were there.
        texts: labelled texts written to `path`; `missing` are not in the files.
        path: the corpus file, or the folder of raw files where there is no converter.
    """

    name: str
    files: int
    downloaded: int
    texts: int
    missing: int
    path: Path

    def __str__(self) -> str:
        labelled = (
            f"{self.texts} of {self.texts + self.missing} labelled texts"
            if self.texts + self.missing
            else "as they are"
        )
        return f"{self.name}: {self.files} files ({self.downloaded} fetched now), {labelled}, in {self.path}"


def load_sources(path: Path | None = None) -> Sources:
    """Read the list of public sources; the shipped one when no path is given.

    Raises:
        CorpusError: the file is missing, not YAML, or lists something impossible (all faults in one message).
    """
    file = path or shipped("sources.yaml")
    document = read_yaml(file, "list of sources", CorpusError)
    faults: list[str] = []
    listed = document.get("sources") if isinstance(document, dict) else None
    if not isinstance(listed, dict) or not str(document.get("base_url", "")).startswith(("http://", "https://")):
        raise CorpusError(f"list of sources {file}: expected base_url (http or https) and sources")
    sources = {str(name): _source(str(name), entry, faults) for name, entry in listed.items()}
    if faults:
        raise CorpusError(f"list of sources {file} cannot be used:\n  " + "\n  ".join(faults))
    return Sources(str(document["base_url"]), sources)


def sources_table(listed: Sources) -> Table:
    """The public sources that can be fetched, for the command line."""
    rows = []
    for source in listed.sources.values():
        files = sum(len(origin.files) for origin in source.origins)
        repositories = ", ".join(f"{origin.repository}@{origin.commit[:7]}" for origin in source.origins)
        licences = "; ".join(dict.fromkeys(origin.licence for origin in source.origins))
        rows.append((source.name, source.about, files, repositories, licences))
    return Table("Public sources", ("source", "what it is", "files", "repository", "licence"), tuple(rows))


def _source(name: str, entry: Any, faults: list[str]) -> PublicSource:
    entry = entry if isinstance(entry, dict) else {}
    converter = entry.get("converter")
    if converter is not None and converter not in CONVERTERS:
        faults.append(f"{name}.converter: '{converter}' is none of {', '.join(CONVERTERS)}")
    if not re.fullmatch(r"[\w.-]+", name):
        faults.append(f"{name}: a name has letters, digits, '_', '-' and '.' only")
    origins = []
    for number, origin in enumerate(entry.get("from") or []):
        origin = origin if isinstance(origin, dict) else {}
        repository, commit = str(origin.get("repository")), str(origin.get("commit"))
        files = {str(path): str(digest) for path, digest in (origin.get("files") or {}).items()}
        origins.append(Origin(repository, commit, str(origin.get("licence", "none stated")), files))
        place = f"{name}.from[{number}]"
        if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository) or not re.fullmatch(r"[0-9a-f]{40}", commit):
            faults.append(f"{place}: expected repository (owner/name) and commit (40 hexadecimal digits)")
        for path, digest in files.items():
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
                faults.append(f"{place}: the path '{path}' leads out of the repository")
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                faults.append(f"{place}: '{path}' has no SHA-256")
    translated = entry.get("translated")
    if translated is not None and not isinstance(translated, str):
        faults.append(f'{name}.translated: expected words, for example "by machine"')
    return PublicSource(name, str(entry.get("about", "")), converter, tuple(origins), translated)


def fetch(
    names: Sequence[str],
    *,
    into: Path,
    sources: Path | None = None,
    annotations: Path | None = None,
    base_url: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Fetched, ...]:
    """Download the files of some sources and write the labelled texts in them to `<into>/<source>.jsonl`.

    Files land under `<into>/raw/`, each only when its checksum is right; one that is there and right is not fetched
    again. The address is `base_url`, else FIMISCOPE_SOURCES_URL, else what the list of sources says.

    Args:
        sources, annotations: other files than the shipped ones.
        progress: gets a line of text now and then.

    Raises:
        CorpusError: a source is unknown or has no known path, or a download fails, is too long or has another checksum;
            nothing is left of that file, and what was fetched before stays.
    """
    say = progress or (lambda _: None)
    listed = load_sources(sources)
    base = base_url or os.environ.get(URL_VARIABLE) or listed.base_url
    if not base.startswith(("http://", "https://")):
        raise CorpusError(f"{URL_VARIABLE} must begin with http:// or https://")
    if unknown := [name for name in names if name not in listed.sources]:
        raise CorpusError(f"no source is named {', '.join(unknown)} (known: {', '.join(listed.sources)})")
    chosen = [listed.sources[name] for name in dict.fromkeys(names)]
    if pathless := [source.name for source in chosen if not any(origin.files for origin in source.origins)]:
        raise CorpusError(f"the path of {', '.join(pathless)} in its repository is not known: it cannot be fetched")
    labelled = read_annotations(annotations)
    return tuple(_fetch(source, base, into, labelled, say) for source in chosen)


def _fetch(
    source: PublicSource, base: str, into: Path, labelled: dict[Key, dict[str, Any]], say: Callable[[str], None]
) -> Fetched:
    wanted = [(origin, path, digest) for origin in source.origins for path, digest in origin.files.items()]
    files: list[Path] = []
    downloaded = 0
    say(f"{source.name}: {len(wanted)} files of {', '.join(origin.repository for origin in source.origins)}")
    for number, (origin, path, digest) in enumerate(wanted, start=1):
        target = into / "raw" / origin.repository / origin.commit[:12] / path
        if not target.is_file() or sha256_of_file(target) != digest:
            address = f"{base.rstrip('/')}/{origin.repository}/{origin.commit}/{urllib.parse.quote(path)}"
            download(address, target, sha256=digest)
            downloaded += 1
        files.append(target)
        if number % _SAID_EVERY == 0:
            say(f"{source.name}: {number} of {len(wanted)} files")
    if source.converter is None:
        say(f"{source.name}: there is no converter for it, so its files stay as they are, in {into / 'raw'}")
        return Fetched(source.name, len(files), downloaded, 0, 0, into / "raw")
    own = {identity: annotation for (corpus, identity), annotation in labelled.items() if corpus == source.name}
    by_digest: dict[str, list[str]] = defaultdict(list)
    for identity, annotation in own.items():
        by_digest[str(annotation["sha256"])].append(identity)
    texts = convert(source.converter, files, by_digest)
    result = into / f"{source.name}.jsonl"
    _write(result, texts, own)
    say(f"{source.name}: {len(texts)} of {len(own)} labelled texts are in {result}")
    return Fetched(source.name, len(files), downloaded, len(texts), len(own) - len(texts), result)


def _write(path: Path, texts: dict[str, str], annotations: dict[str, dict[str, Any]]) -> None:
    from fimiscope.reading import read_rows

    if path.is_file():
        others = {values["id"] for _, values in read_rows(path) if isinstance(values, dict)} - set(texts)
        if others:
            raise CorpusError(f"{path} holds {len(others)} texts that would be lost: choose another folder, or move it")
    with _atomic(path) as file:
        for identity in sorted(texts):
            facts = {name: annotations[identity][name] for name in KNOWN_FACTS if annotations[identity].get(name)}
            row = json.dumps({"id": identity, "text": texts[identity]} | facts, ensure_ascii=False)
            file.write(row.encode("utf-8") + b"\n")


def download(address: str, target: Path, *, sha256: str, largest: int = _LARGEST) -> None:
    """Download one file; it appears at `target`, whole, only when its SHA-256 is right.

    Raises:
        CorpusError: the server does not give the file, it is longer than `largest` bytes, or its checksum differs.
    """
    request = urllib.request.Request(address, headers={"User-Agent": "fimiscope"})
    try:
        with _atomic(target) as file, urllib.request.urlopen(request, timeout=_SECONDS) as response:
            digest, size = hashlib.sha256(), 0
            while chunk := response.read(_CHUNK):
                size += len(chunk)
                if size > largest:
                    raise CorpusError(f"{address} is longer than {largest:,} bytes: not kept")
                digest.update(chunk)
                file.write(chunk)
            stated = response.headers.get("Content-Length")
            if stated is not None and size != int(stated):
                raise CorpusError(f"{address} broke off after {size:,} of {int(stated):,} bytes: run the command again")
            if digest.hexdigest() != sha256:
                raise CorpusError(f"{address} is not the file that was listed (its SHA-256 differs): not kept")
    except urllib.error.HTTPError as error:
        error.close()
        raise CorpusError(f"{address} cannot be fetched: the server says {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise CorpusError(
            f"{address} cannot be fetched ({reason}): run the command again when it can be reached"
        ) from error


@contextmanager
def _atomic(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `target` when all goes well, and disappears when not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as file:
        draft = Path(file.name)
        try:
            yield file
        except BaseException:
            draft.unlink()
            raise
    draft.chmod(0o644)
    draft.replace(target)
