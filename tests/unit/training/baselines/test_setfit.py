"""SetFit: pairs by role, and heads on the tuned vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.progress import silent
from fimiscope.records import Labels
from fimiscope.training.baselines.setfit import draw_pairs, setfit


def test_pairs_are_of_one_role_and_of_two_by_turns(sayings: list[Example]) -> None:
    pairs = draw_pairs(sayings, "train", np.random.default_rng(0))
    roles = np.array([example.labels.role for example in sayings])
    assert len(pairs.first) == len(sayings)
    assert pairs.same.tolist()[:4] == [True, False, True, False]
    assert (roles[pairs.first] == roles[pairs.second]).tolist() == pairs.same.tolist()


def test_texts_without_weight_or_role_are_in_no_pair(sayings: list[Example]) -> None:
    light = [replace(example, weight=1e-12) for example in sayings[:16]]
    unlabelled = [replace(example, labels=Labels()) for example in sayings[16:24]]
    pairs = draw_pairs([*light, *unlabelled, *sayings[24:]], "train", np.random.default_rng(0))
    assert min(pairs.first.min(), pairs.second.min()) >= 24


def test_one_role_alone_gives_no_pairs(sayings: list[Example]) -> None:
    alike = [example for example in sayings if example.labels.role == "reports"]
    with pytest.raises(CorpusError, match="the part 'valid' have no two roles"):
        draw_pairs(alike, "valid", np.random.default_rng(0))


@pytest.mark.parametrize(("rank", "rate"), [(None, 2e-3), (4, 5e-3)])
def test_tuned_vectors_tell_roles_and_africa(
    rank: int | None, rate: float, tiny_config: Config, sayings: list[Example], codebook: Codebook
) -> None:
    training = tiny_config.training.model_copy(update={"epochs": 12, "learning_rate": rate, "adapter_rank": rank})
    config = tiny_config.model_copy(update={"training": training})
    told: set[str] = set()
    logits, others = setfit(
        config, codebook, sayings, sayings, sayings[:5], progress=lambda stage, done, total: told.add(stage)
    )
    slices = head_slices(codebook.heads())
    roles = [codebook.role_codes.index(str(example.labels.role)) for example in sayings]
    assert (logits[:, slices["role"]].argmax(axis=1) == roles).mean() > 0.9
    africa = [bool(example.labels.africa) for example in sayings]
    assert ((logits[:, slices["africa"].start] > 0) == africa).mean() > 0.9
    np.testing.assert_allclose(others, logits[:5], atol=1e-3)
    assert {"training", "tuned encoder", "logistic regressions"} <= told


def test_an_encoder_that_stays_frozen_is_refused(
    tiny_config: Config, sayings: list[Example], codebook: Codebook
) -> None:
    frozen = tiny_config.model_copy(
        update={"training": tiny_config.training.model_copy(update={"trainable_layers": 0})}
    )
    with pytest.raises(ConfigError, match=r"training\.trainable_layers: SetFit tunes the encoder"):
        setfit(frozen, codebook, sayings, sayings, sayings, progress=silent)
