"""Figures of a model that is still training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.provisional import provisional_metrics


def test_perfect_logits_give_perfect_figures(codebook: Codebook, example: Callable[..., Example]) -> None:
    slices = head_slices(codebook.heads())
    examples, logits = [], []
    for number, role in enumerate(codebook.role_codes * 2):
        code = codebook.narrative_codes[number % 3]
        told = role != "none"
        examples.append(
            example(
                number,
                role=role,
                africa=True,
                narratives=(code,) if told else (),
                actors=("russia",) if told else (),
            )
        )
        row = np.full(18, -5.0, dtype=np.float32)
        row[slices["role"].start + codebook.role_codes.index(role)] = 5
        row[slices["africa"].start] = 5
        if told:
            row[slices["flag"].start] = row[slices["actors"].start] = 5
            row[slices["narratives"].start + codebook.narrative_codes.index(code)] = 5
        logits.append(row)
    figures = provisional_metrics(examples, np.array(logits), codebook)
    for name in (
        "role/macro_f1_all",
        "flag/f1",
        "flag/pr_auc",
        "narratives/samples_f1",
        "actors/russia/f1",
        "africa/f1",
    ):
        assert figures[name] == 1, name
    assert not [name for name in figures if name.startswith("evidence/")], "no evidence is given before the end"
    worse = provisional_metrics(examples, -np.array(logits), codebook)
    assert worse["role/accuracy"] == 0
    assert worse["flag/f1"] == 0


def test_every_article_needs_its_row(codebook: Codebook, example: Callable[..., Example]) -> None:
    with pytest.raises(ValueError, match="shorter"):
        provisional_metrics([example(1), example(2)], np.zeros((1, 18), np.float32), codebook)
