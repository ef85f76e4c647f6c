"""Fixed splits of the annotated texts, one file each, with checksums: everybody measures on the same texts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.corpus.labels import parse_labels
from fimiscope.errors import CorpusError
from fimiscope.output_files import write_whole
from fimiscope.shipped import shipped
from fimiscope.tables import Cell, Table

if TYPE_CHECKING:
    from fimiscope.corpus.annotated import Key

FoldPart = Literal["train", "valid", "test", "left out"]
FOLD_PARTS: tuple[FoldPart, ...] = ("train", "valid", "test", "left out")
LEFT_OUT = "left out by the fold: a near-copy of a text that it tests on, or of one document with it"
LEAKING = "random"
"""The fold that splits by single texts, near-copies regardless: it shows how far such a split flatters a model."""

_CHECKSUM_DIGITS = 12
_DIGEST_DIGITS = 32
_REMEDY = (
    "folds fit the shipped annotations, and are made anew with  fimiscope corpus folds --write FOLDER; "
    "with annotations of your own use hold_out"
)


@dataclass(frozen=True, slots=True)
class Fold:
    """One split of all annotated texts.

    Attributes:
        name: of the file.
        holds_out: one sentence that says what is tested on.
        parts: of every text that is not learned from, by corpus and id.
        digest: 32 hexadecimal digits over corpus, id, SHA-256 and part of every annotated text, `train` included.
    """

    name: str
    holds_out: str
    parts: dict[Key, FoldPart]
    digest: str

    @classmethod
    def of(
        cls, name: str, holds_out: str, parts: Mapping[Key, FoldPart], annotations: Mapping[Key, Mapping[str, Any]]
    ) -> Fold:
        """A fold of these annotations; texts without a part are learned from."""
        lines = [
            f"{corpus}\t{identity}\t{annotations[corpus, identity]['sha256']}\t{parts.get((corpus, identity), 'train')}"
            for corpus, identity in sorted(annotations)
        ]
        held: dict[Key, FoldPart] = {key: part for key, part in sorted(parts.items()) if part != "train"}
        return cls(name, holds_out, held, sha256_of_text("\n".join(lines))[:_DIGEST_DIGITS])

    def part_of(self, key: Key) -> FoldPart:
        return self.parts.get(key, "train")

    def write(self, folder: Path, annotations: Mapping[Key, Mapping[str, Any]]) -> Path:
        """Write `<folder>/<name>.json`, which holds of each text its id and the first digits of its SHA-256.

        Raises:
            OutputError: nothing can be written there.
        """
        listed: dict[str, dict[str, dict[str, str]]] = {part: defaultdict(dict) for part in FOLD_PARTS[1:]}
        for (corpus, identity), part in self.parts.items():
            listed[part][corpus][identity] = str(annotations[corpus, identity]["sha256"])[:_CHECKSUM_DIGITS]
        document = {"name": self.name, "holds_out": self.holds_out, "digest": self.digest, **listed}
        path = folder / f"{self.name}.json"
        write_whole(path, json.dumps(document, ensure_ascii=False, indent=0) + "\n")
        return path


def fold_names() -> tuple[str, ...]:
    """Names of the shipped folds."""
    return tuple(sorted(path.stem for path in shipped("folds").glob("*.json")))


def read_fold(name: str, annotations: Mapping[Key, Mapping[str, Any]]) -> Fold:
    """The shipped fold of that name, or the one in the file `name` where it ends in `.json`.

    Raises:
        CorpusError: there is no such fold, the file is broken, or it was made for other annotations: a text that they
            do not list, a text with another checksum, or another digest over all.
    """
    path = Path(name).expanduser() if name.endswith(".json") else shipped(f"folds/{name}.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        holds_out, digest = str(document["holds_out"]), str(document["digest"])
        listed: list[tuple[Key, FoldPart, str]] = [
            ((corpus, identity), part, checksum)
            for part in FOLD_PARTS[1:]
            for corpus, texts in document[part].items()
            for identity, checksum in texts.items()
        ]
    except FileNotFoundError as error:
        raise CorpusError(f"fold '{name}' is not there (known: {', '.join(fold_names())}, or a .json file)") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f"fold {path} cannot be read as a fold: {_REMEDY}") from error
    for (corpus, identity), _, checksum in listed:
        known = annotations.get((corpus, identity))
        if known is None or not str(known["sha256"]).startswith(checksum):
            what = "is not among" if known is None else "has another checksum in"
            raise CorpusError(f"fold {path}: text '{identity}' of {corpus} {what} the annotations: {_REMEDY}")
    fold = Fold.of(path.stem, holds_out, {key: part for key, part, _ in listed}, annotations)
    if fold.digest != digest:
        raise CorpusError(f"fold {path} was made for other annotations (its digest differs): {_REMEDY}")
    return fold


@dataclass(frozen=True, slots=True)
class PartCount:
    """What one part of a fold holds; copies of a text within its source count once.

    Attributes:
        languages: texts of each, largest first.
    """

    part: FoldPart
    texts: int
    flagged: int
    languages: dict[str, int]


def count_parts(fold: Fold, annotations: Mapping[Key, Mapping[str, Any]], codebook: Codebook) -> tuple[PartCount, ...]:
    """Texts, flagged ones and languages of each part, as the annotations have them."""
    seen: set[tuple[str, str]] = set()
    texts: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    languages: dict[str, Counter[str]] = defaultdict(Counter)
    for (corpus, identity), annotation in sorted(annotations.items()):
        if (corpus, annotation["sha256"]) in seen:
            continue
        seen.add((corpus, annotation["sha256"]))
        part = fold.part_of((corpus, identity))
        texts[part] += 1
        flagged[part] += codebook.flagged(parse_labels(annotation)) is True
        languages[part][str(annotation.get("language", "unknown"))] += 1
    return tuple(
        PartCount(part, texts[part], flagged[part], dict(languages[part].most_common())) for part in FOLD_PARTS
    )


def fold_tables(
    folds: Sequence[Fold], annotations: Mapping[Key, Mapping[str, Any]], codebook: Codebook
) -> tuple[Table, Table]:
    """What each fold holds out, with its digest; and the counts of its parts."""
    counts: list[tuple[Cell, ...]] = [
        (fold.name, one.part, one.texts, one.flagged, ", ".join(f"{code} {n}" for code, n in one.languages.items()))
        for fold in folds
        for one in count_parts(fold, annotations, codebook)
    ]
    listed = tuple((fold.name, fold.holds_out, fold.digest) for fold in folds)
    return (
        Table("Folds of the annotated texts", ("fold", "what is tested on", "digest"), listed),
        Table("Their parts", ("fold", "part", "texts", "flagged", "languages"), tuple(counts)),
    )
