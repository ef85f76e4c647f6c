"""Single head: plain sequence classification over pairs of role and africa."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.progress import silent
from fimiscope.records import Labels
from fimiscope.training.baselines.single_head import label_logits, sequence_classifier, single_head
from fimiscope.training.encoding import open_encoder


def with_training(config: Config, **changes: object) -> Config:
    return config.model_copy(update={"training": config.training.model_copy(update=changes)})


def test_role_africa_and_flag_are_read_off_the_classes(codebook: Codebook) -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(8), size=5)
    logits = label_logits(np.log(chances) + 3, codebook)
    slices = head_slices(codebook.heads())
    pairs = chances.reshape(5, 4, 2)
    np.testing.assert_allclose(np.exp(logits[:, slices["role"]]), pairs.sum(axis=2))
    africa, flag = (1 / (1 + np.exp(-logits[:, slices[name].start])) for name in ("africa", "flag"))
    np.testing.assert_allclose(africa, pairs[:, :, 1].sum(axis=1))
    flagging = [codebook.role_codes.index(code) for code in codebook.flagging_roles]
    np.testing.assert_allclose(flag, pairs[:, flagging, 1].sum(axis=1))
    assert np.isnan(logits[:, slices["actors"]]).all()
    assert np.isnan(logits[:, slices["narratives"]]).all()


@pytest.mark.parametrize(
    ("changes", "learning"),
    [
        ({"trainable_layers": 0}, {"pooler", "classifier"}),
        ({"trainable_layers": 1}, {"layer 1", "pooler", "classifier"}),
        ({"trainable_layers": "all"}, {"embeddings", "layer 0", "layer 1", "pooler", "classifier"}),
        ({"trainable_layers": 1, "adapter_rank": 2}, {"adapter 1", "pooler", "classifier"}),
    ],
)
def test_the_head_learns_with_the_layers_that_the_config_names(
    changes: dict[str, object], learning: set[str], tiny_config: Config
) -> None:
    config = with_training(tiny_config, **changes)
    network = sequence_classifier(open_encoder(config), config, 8)
    found = set()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            words = name.removeprefix("bert.").split(".")
            kind = "adapter" if any(word.startswith("lora") for word in words) else "layer"
            found.add(f"{kind} {words[2]}" if words[0] == "encoder" else words[0])
    assert found == learning


def test_it_starts_from_the_encoder(tiny_config: Config) -> None:
    opened = open_encoder(tiny_config)
    network = sequence_classifier(opened, tiny_config, 8)
    states = network.base_model.state_dict()
    for name, value in opened.model.state_dict().items():
        assert (states[name] == value).all(), name


def test_it_learns_role_and_africa_of_the_start_of_a_text(
    tiny_config: Config, sayings: list[Example], codebook: Codebook
) -> None:
    config = with_training(tiny_config, trainable_layers="all", batch=16, epochs=100, learning_rate=2e-3, patience=100)
    long = sayings[0].article.text + " Nothing else was said in the city on that long day." * 12
    ends = [
        replace(sayings[0], article=replace(sayings[0].article, text=long + end), labelled_to=len(long + end))
        for end in ("", " The bread was refuted firmly." * 5)
    ]
    unknown = [replace(example, labels=Labels(role="reports")) for example in sayings[:2]]
    logits, others = single_head(config, codebook, [*sayings, *unknown], sayings, ends, progress=silent)
    slices = head_slices(codebook.heads())
    roles = [codebook.role_codes.index(str(example.labels.role)) for example in sayings]
    assert (logits[:, slices["role"]].argmax(axis=1) == roles).mean() > 0.9
    africa = [bool(example.labels.africa) for example in sayings]
    assert ((logits[:, slices["africa"].start] > 0) == africa).mean() > 0.9
    np.testing.assert_allclose(others[0], others[1], atol=1e-5)
