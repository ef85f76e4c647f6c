"""Readings of several annotators become one version of annotations, and a list of what they differ on.

A text is labelled where all its annotators say the same of role, actors, narratives and Africa, or where an adjudicator
has decided; until then it is held back. Evidence is what any of them marked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from fimiscope.checksums import sha256_of_file, sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.corpus.labels import fault_of
from fimiscope.corpus.provenance import Provenance, provenance_file
from fimiscope.errors import CorpusError, OutputError
from fimiscope.output_files import check_new, json_line, write_whole
from fimiscope.records import Article, Labels, Span, Unreadable
from fimiscope.review.agreement import Agreement, agreements
from fimiscope.review.readings import Key, Reading, check_names, labels_row, latest, read_readings
from fimiscope.tables import Table

Joined = Literal["single", "agreed", "adjudicated"]
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Merged:
    """One text with its final labels, how they came about, and by how many annotators."""

    reading: Reading
    joined: Joined
    labellers: int


@dataclass(frozen=True, slots=True)
class Disputed:
    """A text on whose labels its annotators differ, in which fields, and what each of them said."""

    fields: tuple[str, ...]
    readings: tuple[Reading, ...]

    def row(self) -> dict[str, Any]:
        """As `fimiscope review build --from` reads it."""
        first = self.readings[0]
        said = [{"annotator": one.annotator, **labels_row(one.labels)} for one in self.readings]
        return {
            **{name: getattr(first, name) for name in ("id", "corpus", "sha256", "language")},
            "disputed": list(self.fields),
            "readings": said,
        }


@dataclass(frozen=True, slots=True)
class Merge:
    """What came of a merge.

    Attributes:
        texts: labelled ones, by corpus and id.
        disputed: held back, by corpus and id.
        agreement: of the annotators, before adjudication.
        annotators: readings by annotator; adjudicators are not among them.
        adjudicators: likewise.
        inputs: name, digest and number of readings of each file.
    """

    texts: tuple[Merged, ...]
    disputed: tuple[Disputed, ...]
    agreement: tuple[Agreement, ...]
    annotators: dict[str, int]
    adjudicators: dict[str, int]
    inputs: tuple[dict[str, Any], ...]
    codebook: Codebook

    @property
    def joined(self) -> dict[str, int]:
        """Labelled texts by how their labels came about."""
        return dict(sorted(Counter(text.joined for text in self.texts).items()))


def merge(files: Sequence[Path], codebook: Codebook, *, adjudicated: Sequence[Path] = ()) -> Merge:
    """Join the files of annotators, and those of adjudicators, whose labels stand above all others.

    Raises:
        ReadingError: a file is missing or of another kind.
        CorpusError: a file holds rows that are no annotations by this codebook, or name texts differently; one name may
            be two people's; or adjudicators differ.
        MissingExtra: krippendorff is not installed.
    """
    by_file = {path: read_readings(path, codebook) for path in (*files, *adjudicated)}
    latest(reading for readings in by_file.values() for reading in readings)
    for group in (files, adjudicated):
        check_names({path: by_file[path] for path in group})
    readings = latest(reading for path in files for reading in by_file[path])
    decided = latest(reading for path in adjudicated for reading in by_file[path])
    by_text, decisions = _by_text(readings), _by_text(decided)
    texts: list[Merged] = []
    disputed: list[Disputed] = []
    for key in sorted(by_text.keys() | decisions.keys()):
        own = by_text.get(key, [])
        fields = _differing([reading.labels for reading in own], codebook)
        if key in decisions:
            texts.append(Merged(_decided(decisions[key], fields, codebook), "adjudicated", max(1, len(own))))
        elif fields:
            disputed.append(Disputed(fields, tuple(own)))
        else:
            texts.append(Merged(_agreed(own), "agreed" if len(own) > 1 else "single", len(own)))
    return Merge(
        tuple(texts),
        tuple(disputed),
        tuple(agreements(readings, codebook)),
        dict(sorted(Counter(reading.annotator for reading in readings).items())),
        dict(sorted(Counter(reading.annotator for reading in decided).items())),
        tuple(
            {"file": path.name, "sha256": sha256_of_file(path), "readings": len(found)}
            for path, found in by_file.items()
        ),
        codebook,
    )


def write_version(done: Merge, output: Path, articles: Iterable[Article | Unreadable] | None) -> Path | None:
    """Write a new version of annotations with its provenance beside it, and what is disputed; gives the latter's path.

    With `articles` the file holds the texts, for a source of kind `labelled`; without, for one of kind `annotated`.
    Where no text is labelled, what is disputed is all that is written.

    Raises:
        OutputError: `output` is there already, does not end in .jsonl, or cannot be written.
        CorpusError: texts are not among `articles` as they were labelled.
    """
    check_output(output)
    known = None if articles is None else _texts(done, articles)
    disputed = output.with_suffix(".disputed.jsonl") if done.disputed else None
    if disputed is not None:
        write_whole(disputed, "".join(json_line(one.row()) for one in done.disputed))
    if not done.texts:
        return disputed
    rows = [_row(text, done.codebook, None if known is None else known[text.reading.key]) for text in done.texts]
    content = "".join(map(json_line, rows))
    provenance = Provenance(
        annotations=output.name,
        sha256=sha256_of_text(content),
        texts=len(rows),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        codebook=done.codebook.version,
        annotators=done.annotators,
        adjudicators=done.adjudicators,
        joined=done.joined,
        held_back=len(done.disputed),
        agreement=[asdict(one) for one in done.agreement],
        inputs=list(done.inputs),
        fimiscope=metadata.version("fimiscope"),
    )
    # First, so that no version is ever there without its provenance.
    write_whole(provenance_file(output), provenance.to_json())
    write_whole(output, content)
    return disputed


def check_labelled(done: Merge, disputed: Path | None) -> None:
    """Refuse a merge of which no version came, after what it found was shown.

    Raises:
        CorpusError: no text is labelled.
    """
    if not done.texts:
        raise CorpusError(
            f"no text has labels that stand yet: decide on the {len(done.disputed)} in {disputed}, by "
            f"fimiscope review build --from {disputed}, and merge again with --adjudicated"
        )


def disputed_table(disputed: Sequence[Disputed]) -> Table:
    rows = tuple((one.readings[0].id, ", ".join(one.fields), len(one.readings)) for one in disputed)
    return Table("Disputed, and held back", ("text", "fields", "annotators"), rows)


def check_output(output: Path) -> None:
    """Refuse what could not be written at the end.

    Raises:
        OutputError: `output` is there already, does not end in .jsonl, or its folder cannot be made.
    """
    if output.suffix != ".jsonl":
        raise OutputError(f"--output {output}: give a file that ends in .jsonl")
    check_new(output, "results refer to a version of annotations, so give the new one a new name")


def _by_text(readings: Iterable[Reading]) -> dict[Key, list[Reading]]:
    """Readings by text, of each text in an order of its own: the place of a reading tells nobody who gave it."""
    found: dict[Key, list[Reading]] = defaultdict(list)
    for reading in sorted(readings, key=lambda one: sha256_of_text(f"{one.corpus}\0{one.id}\0{one.annotator}")):
        found[reading.key].append(reading)
    return dict(found)


def _differing(labels: Sequence[Labels], codebook: Codebook) -> tuple[str, ...]:
    """Fields and codes on which readings of one text differ."""
    fields = [name for name in ("role", "africa") if len({getattr(one, name) for one in labels}) > 1]
    for group, codes in (("actors", codebook.actor_codes), ("narratives", codebook.narrative_codes)):
        fields += [
            f"{group}/{code}" for code in codes if len({code in (getattr(one, group) or ()) for one in labels}) > 1
        ]
    return tuple(fields)


def _agreed(readings: Sequence[Reading]) -> Reading:
    unsure = any(reading.labels.confidence == "low" for reading in readings)
    spans = _union(span for reading in readings for span in reading.labels.evidence or ())
    first = readings[0]
    return replace(first, labels=replace(first.labels, evidence=spans, confidence="low" if unsure else "high"))


def _decided(decisions: Sequence[Reading], fields: Sequence[str], codebook: Codebook) -> Reading:
    """Where readers differed, a label is of low confidence whoever decided."""
    reading = _agreed(decisions)
    if differing := _differing([one.labels for one in decisions], codebook):
        names = " and ".join(sorted(one.annotator for one in decisions))
        raise CorpusError(
            f"--adjudicated: {names} differ on '{reading.id}' of {reading.corpus} ({', '.join(differing)}): let them "
            "agree, or leave the text in the file of one of them"
        )
    return replace(reading, labels=replace(reading.labels, confidence="low")) if fields else reading


def _union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans that overlap or touch become one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def _texts(done: Merge, articles: Iterable[Article | Unreadable]) -> dict[Key, Article]:
    wanted = {(text.reading.id, text.reading.sha256): text.reading for text in done.texts}
    found: dict[Key, Article] = {}
    faults = dict.fromkeys(wanted, "this text is not there")
    for article in articles:
        if isinstance(article, Unreadable):
            continue
        identity = (article.id, sha256_of_text(article.text))
        reading = wanted.get(identity)
        if reading is None:
            continue
        if fault := fault_of(article, reading.labels, done.codebook):
            faults[identity] = fault
        else:
            faults.pop(identity, None)
            found[reading.key] = article
    if faults:
        named = ", ".join(f"{identity} ({fault})" for (identity, _), fault in list(faults.items())[:_MOST_NAMED])
        raise CorpusError(
            f"--texts: {len(faults)} of {len(wanted)} labelled texts cannot be used: {named}: give the inputs that the "
            "queue was built from, in the same order"
        )
    return found


def _row(text: Merged, codebook: Codebook, article: Article | None) -> Mapping[str, Any]:
    reading = text.reading
    row: dict[str, Any] = {"id": reading.id, "sha256": reading.sha256, "corpus": reading.corpus}
    known = {"language": reading.language}
    if article is not None:
        known |= {name: getattr(article, name) for name in ("title", "url", "outlet", "published")}
        known["text"] = article.text
    return {
        **row,
        **{name: value for name, value in known.items() if value is not None},
        **labels_row(reading.labels),
        "labellers": text.labellers,
        "joined": text.joined,
        "codebook": codebook.version,
    }
