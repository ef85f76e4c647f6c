"""What annotators hand in: files of labels as our page exports them, and exports of Label Studio."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.corpus.labels import as_text, parse_labels
from fimiscope.errors import CorpusError, ReadingError
from fimiscope.records import Labels, Unreadable
from fimiscope.review.label_studio import exported_rows

Key = tuple[str, str]
"""Corpus and id of a text, as in the annotations."""
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """The labels that one annotator gave to one text.

    Attributes:
        corpus, id, sha256: of the text, as in the annotations.
        named: whether the file calls the annotator by a name; else it is a number, or the name of the file.
        labelled_at: ISO 8601; empty where the file does not say.
    """

    annotator: str
    corpus: str
    id: str
    sha256: str
    language: str | None
    labels: Labels
    labelled_at: str = ""
    named: bool = True

    @property
    def key(self) -> Key:
        return self.corpus, self.id


def read_readings(path: Path, codebook: Codebook) -> list[Reading]:
    """The readings of one file: `.json` is an export of Label Studio, a table has our format.

    Where rows name no annotator, the file's name does; `check_names` refuses it where it could be two people's.

    Raises:
        ReadingError: the file is missing or of another kind.
        CorpusError: it holds no labels, or rows that are no complete annotation by this codebook; all in one message.
    """
    rows = _export_rows(path) if path.suffix.lower() == ".json" else _table_rows(path)
    found: list[Reading] = []
    faults: list[str] = []
    for place, row in rows:
        try:
            found.append(_reading(row, path.stem, codebook))
        except ValueError as error:
            faults.append(f"{place}: {error}")
    if faults:
        more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise CorpusError(f"{path} holds rows that are no annotations: {'; '.join(faults[:_MOST_NAMED])}{more}")
    if not found:
        raise CorpusError(f"{path} holds no annotation")
    return found


def check_names(by_file: Mapping[Path, Iterable[Reading]]) -> None:
    """Refuse files that may call two people by one name, because it is a number or the name of the file.

    Raises:
        CorpusError: two files hold such a name.
    """
    seen: dict[str, Path] = {}
    for path, readings in by_file.items():
        for name in sorted({reading.annotator.casefold() for reading in readings if not reading.named}):
            if seen.setdefault(name, path) != path:
                raise CorpusError(
                    f"'{name}' in {seen[name]} and in {path} may be two people, because it is a number or the name of "
                    "the file: write who labelled as annotator, or, in an export of Label Studio, as completed_by "
                    '{"email": …}'
                )


def latest(readings: Iterable[Reading]) -> list[Reading]:
    """One reading of each annotator and text, the last one; exports of a page hold what earlier ones held.

    Names that differ in capitals alone are one annotator.

    Raises:
        CorpusError: one id stands for two texts, or one text for two corpora.
    """
    kept: dict[tuple[str, Key], Reading] = {}
    digests: dict[Key, str] = {}
    corpora: dict[tuple[str, str], str] = {}
    names: dict[str, str] = {}
    for reading in readings:
        corpus = corpora.setdefault((reading.id, reading.sha256), reading.corpus)
        if corpus != reading.corpus:
            raise CorpusError(
                f"'{reading.id}' is one text under two corpora, {' and '.join(sorted((corpus, reading.corpus)))}, "
                "because its queues were built from files of two names: write one of them as corpus in all files"
            )
        if digests.setdefault(reading.key, reading.sha256) != reading.sha256:
            raise CorpusError(
                f"'{reading.id}' of {reading.corpus} stands for two different texts (sha256): merge files of one queue"
            )
        name = reading.annotator.casefold()
        names[name] = min(reading.annotator, names.get(name, reading.annotator))
        own = (name, reading.key)
        if own not in kept or reading.labelled_at >= kept[own].labelled_at:
            kept[own] = reading
    return [replace(reading, annotator=names[name]) for (name, _), reading in kept.items()]


def labels_row(labels: Labels) -> dict[str, Any]:
    """Labels as fields of an annotation."""
    return {
        "role": labels.role,
        "actors": list(labels.actors or ()),
        "narratives": list(labels.narratives or ()),
        "africa": labels.africa,
        "evidence": [{"start": span.start, "end": span.end} for span in labels.evidence or ()],
        "confidence": labels.confidence,
    }


def _table_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    from fimiscope.reading import read_rows

    for place, values in read_rows(path, needs=("id",)):
        if isinstance(values, Unreadable):
            raise CorpusError(f"{place}: {values.reason}")
        yield place, values


def _export_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadingError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ReadingError(f"{path} is no JSON: export from Label Studio as JSON") from error
    yield from exported_rows(document, path)


def _reading(row: Mapping[str, Any], annotator: str, codebook: Codebook) -> Reading:
    corpus, digest = as_text(row.get("corpus")), as_text(row.get("sha256"))
    if corpus is None or digest is None:
        raise ValueError("expected id, corpus and sha256")
    version = as_text(row.get("codebook"))
    if version != codebook.version:
        raise ValueError(
            f"labelled by codebook {version or 'unknown'}, not {codebook.version}: give the right one as --codebook"
        )
    labels = _complete(parse_labels(row), codebook)
    text = row.get("text")
    if isinstance(text, str) and sha256_of_text(text) != digest:
        raise ValueError("sha256 is not that of its text")
    for span in labels.evidence or ():
        if not 0 <= span.start < span.end or (isinstance(text, str) and span.end > len(text)):
            raise ValueError(f"evidence from {span.start} to {span.end} is no part of its text")
    name = as_text(row.get("annotator"))
    return Reading(
        annotator=name or annotator,
        corpus=corpus,
        id=str(row["id"]),
        sha256=digest,
        language=as_text(row.get("language")),
        labels=labels,
        labelled_at=as_text(row.get("labelled_at")) or "",
        named=name is not None and isinstance(row["annotator"], str),
    )


def _complete(labels: Labels, codebook: Codebook) -> Labels:
    """The labels in the codebook's order, empty where nothing was chosen; a text without a role has no codes."""
    if labels.role is None or labels.africa is None:
        raise ValueError("expected a role, and whether Africa is a subject")
    if faults := codebook.faults(labels):
        raise ValueError(f"not in the codebook: {'; '.join(faults)}")
    if labels.role != NO_ROLE and None in (labels.actors, labels.narratives):
        raise ValueError("expected actors and narratives: write [] where there are none")
    if labels.role == NO_ROLE and (labels.actors or labels.narratives or labels.evidence):
        raise ValueError(f"role {NO_ROLE} goes with no actors, narratives or evidence")
    return replace(
        labels,
        actors=_in_order(labels.actors, codebook.actor_codes),
        narratives=_in_order(labels.narratives, codebook.narrative_codes),
        evidence=labels.evidence or (),
    )


def _in_order(codes: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    return tuple(code for code in known if code in (codes or ()))
