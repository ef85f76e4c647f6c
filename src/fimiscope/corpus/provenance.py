"""Where a file of annotations comes from: who labelled, how their readings were joined, from which files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fimiscope.checksums import sha256_of_file
from fimiscope.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is known of a version of annotations; lies beside it as `NAME.provenance.json`.

    Attributes:
        annotations: name of the file, of `sha256`, which holds so many labelled `texts`.
        made: when it was merged, ISO 8601.
        annotators, adjudicators: readings by name.
        joined: labelled texts by how their labels came about.
        held_back: texts that wait for an adjudicator.
        agreement: of the annotators, by field.
        inputs: name, digest and readings of each annotator's file.
        fimiscope: version that merged.
    """

    annotations: str
    sha256: str
    texts: int
    made: str
    codebook: str
    annotators: dict[str, int]
    adjudicators: dict[str, int]
    joined: dict[str, int]
    held_back: int
    agreement: list[dict[str, Any]]
    inputs: list[dict[str, Any]]
    fimiscope: str

    @classmethod
    def of(cls, annotations: Path) -> Provenance | None:
        """The provenance that lies beside a file; `None` where there is none.

        Raises:
            CorpusError: it cannot be read, or the annotations were changed after it was written.
        """
        path = provenance_file(annotations)
        if not path.is_file():
            return None
        try:
            provenance = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CorpusError(f"{path} cannot be read: merge the annotators' files again") from error
        if provenance.sha256 != sha256_of_file(annotations):
            raise CorpusError(
                f"{annotations} was changed after it was merged, so {path.name} no longer says where it comes from: "
                "merge again, or take that file away"
            )
        return provenance

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"


def provenance_file(annotations: Path) -> Path:
    """Where the provenance of a file lies."""
    return annotations.with_suffix(".provenance.json")
