"""Who labelled what a run learns from, in MLflow."""

from __future__ import annotations

import re

from fimiscope.config import AnnotatedSource, Config, LabelledSource
from fimiscope.corpus.provenance import Provenance

# MLflow refuses other marks in the name of a tag.
_ALLOWED = re.compile(r"[^\w.-]+", re.ASCII)


def log_provenance(config: Config) -> None:
    """Log the provenance of each source that has one, whole as an artifact and in short as tags of the open run.

    Raises:
        CorpusError: annotations were changed after their provenance was written.
    """
    import mlflow

    taken: set[str] = set()
    for source in config.corpus.sources:
        path = source.path if isinstance(source, LabelledSource) else None
        if isinstance(source, AnnotatedSource):
            path = source.annotations
        provenance = path and Provenance.of(path.expanduser())
        if not path or not provenance:
            continue
        name = _distinct(_ALLOWED.sub("-", path.stem), taken)
        mlflow.log_dict(provenance.to_dict(), f"annotations/{name}.json")
        prefix = f"annotations.{name}"
        mlflow.set_tags(
            {
                f"{prefix}.sha256": provenance.sha256,
                f"{prefix}.made": provenance.made,
                f"{prefix}.codebook": provenance.codebook,
                f"{prefix}.annotators": ", ".join(provenance.annotators),
                f"{prefix}.adjudicators": ", ".join(provenance.adjudicators) or "none",
                f"{prefix}.joined": ", ".join(f"{count} {how}" for how, count in provenance.joined.items()),
            }
        )


def _distinct(name: str, taken: set[str]) -> str:
    number, own = 1, name
    while own in taken:
        number += 1
        own = f"{name}-{number}"
    taken.add(own)
    return own
