"""The parts of a corpus as dataset inputs of a run, and the digest by which test parts are told apart."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.examples import PARTS, Part

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, Run

TEST_DIGEST = "test.digest"
"""Tag of a run: digest of the articles that it was measured on and of their labels."""


def held_out_digest(run: Run) -> str | None:
    """Digest of the articles that the run was measured on and of their labels (`Corpus.part_digest`).

    Only figures of runs with one digest compare. `None` where a run was not measured on a test part of its own, as the
    mean of folds, or is not ours.
    """
    digest: str | None = run.data.tags.get(TEST_DIGEST)
    return digest


def log_parts(client: MlflowClient, run_id: str, corpus: Corpus) -> None:
    """Log each part that holds texts as a dataset input whose context is the part's name."""
    from mlflow.entities import DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    inputs = [
        DatasetInput(_dataset(corpus, part), [InputTag(MLFLOW_DATASET_CONTEXT, part)])
        for part in PARTS
        if corpus.part(part)
    ]
    client.log_inputs(run_id, inputs)


def profile(examples: Sequence[Example], codebook: Codebook) -> dict[str, Any]:
    """How many texts there are, how many of them are flagged, and how many by role, language and source."""

    def counts(values: Sequence[str | None]) -> dict[str, int]:
        return dict(Counter(value or "unknown" for value in values).most_common())

    return {
        "num_rows": len(examples),
        "flagged": sum(codebook.flagged(example.labels) is True for example in examples),
        "roles": counts([example.labels.role for example in examples]),
        "languages": counts([example.article.language for example in examples]),
        "sources": counts([example.source for example in examples]),
    }


def _dataset(corpus: Corpus, part: Part) -> Dataset:
    import mlflow
    from mlflow.entities import Dataset

    with warnings.catch_warnings():
        # The schema is a record of what was trained on, not a contract for inputs with missing integers.
        warnings.filterwarnings("ignore", message=".*schema contains integer column.*")
        described = mlflow.data.huggingface_dataset.from_huggingface(
            corpus.table(part), name=part, digest=corpus.part_digest(part)
        ).to_dict()
    return Dataset(**described | {"profile": json.dumps(profile(corpus.part(part), corpus.codebook))})
