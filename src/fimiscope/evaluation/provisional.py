"""Figures of a model that is still training: logits as they come, no calibration, thresholds of one half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import head_slices, probabilities
from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.metrics import Metrics, all_metrics
from fimiscope.records import Verdict

Logits = npt.NDArray[np.floating[Any]]


def provisional_metrics(examples: Sequence[Example], logits: Logits, codebook: Codebook) -> Metrics:
    """Every figure from raw logits of shape (articles, labels)."""
    rows = probabilities(logits, codebook.heads())
    slices = head_slices(codebook.heads())
    verdicts = []
    for example, row in zip(examples, rows, strict=True):
        by_head = {
            head.name: dict(zip(head.labels, row[slices[head.name]].tolist(), strict=True)) for head in codebook.heads()
        }
        role, narratives = by_head["role"], by_head["narratives"]
        verdicts.append(
            Verdict(
                id=example.article.id,
                status="scored",
                flag=by_head["flag"]["flag"] >= 0.5,
                flag_probability=by_head["flag"]["flag"],
                role=role,
                role_label=max(role, key=lambda code: role[code]),
                actors=by_head["actors"],
                narratives=narratives,
                narratives_flagged=tuple(code for code, value in narratives.items() if value >= 0.5),
                africa=by_head["africa"]["africa"],
                language=example.article.language,
            )
        )
    return all_metrics(judge(examples, verdicts, codebook))
