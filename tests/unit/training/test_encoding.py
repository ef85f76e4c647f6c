"""The encoder side of a run: what is frozen, how windows are framed, and that learning takes place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from fimiscope.bundle import files
from fimiscope.bundle.encoder import EncoderModel
from fimiscope.bundle.windows import WindowLayout
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, Example
from fimiscope.errors import ConfigError, EncoderError
from fimiscope.progress import silent
from fimiscope.training.encoders import resolve
from fimiscope.training.encoding import split_encoder, train_encoder, window_layout
from fimiscope.training.loop import Epoch
from fimiscope.training.model import lowest_layers

HUB_LARGE = Path(__file__).parents[3] / "configs" / "hub-large.yaml"


def trainable(module: nn.Module) -> set[str]:
    return {name for name, parameter in module.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize(("layers", "learning"), [(0, set()), (1, {"1"}), (2, {"0", "1"}), (9, {"0", "1"})])
def test_upper_layers_learn_and_the_rest_is_frozen(layers: int, learning: set[str]) -> None:
    model = resolve("tiny").model()
    split = split_encoder(model, layers, "tiny")
    assert split.lower is not None
    assert {name.split(".")[2] for name in trainable(model)} == learning
    assert all(name.startswith("encoder.layer.") for name in trainable(model))
    assert not trainable(split.lower)


def test_all_layers_learn_with_the_embeddings() -> None:
    model = resolve("tiny").model()
    split = split_encoder(model, "all", "tiny")
    assert split.lower is None
    assert len(trainable(model)) == len(list(model.parameters()))


def test_an_encoder_that_cannot_be_split_is_named() -> None:
    class Odd(nn.Module):
        config = resolve("tiny").model().config

    with pytest.raises(EncoderError, match=r"path:odd cannot be frozen in part: set training\.trainable_layers=all"):
        split_encoder(Odd(), 1, "path:odd")  # type: ignore[arg-type]


def test_the_lowest_layers_give_the_states_that_the_whole_encoder_has_there() -> None:
    ids = torch.tensor([[1, 5, 6, 2]])
    with torch.inference_mode():
        whole = resolve("tiny").model().eval()(input_ids=ids, output_hidden_states=True).hidden_states
        lowest = lowest_layers(resolve("tiny").model().eval(), 1, "tiny")(input_ids=ids).last_hidden_state
    assert len(whole) == 3
    assert torch.allclose(lowest, whole[1], atol=1e-6)


def test_more_layers_than_there_are_cannot_be_asked_for() -> None:
    with pytest.raises(ConfigError, match="encoder_layers: tiny has 2 layers"):
        lowest_layers(resolve("tiny").model(), 3, "tiny")


def test_windows_are_framed_as_the_encoder_was_trained(tiny_config: Config) -> None:
    encoder = resolve("tiny")
    tokenizer, model = encoder.tokenizer(), encoder.model()
    plain = window_layout(encoder, tokenizer, model, tiny_config)
    assert (plain.before, plain.after, plain.pad, plain.size) == ((1,), (2,), 0, 96)
    prefixed = window_layout(replace(encoder, prefix="query: "), tokenizer, model, tiny_config)
    assert tokenizer.decode(list(prefixed.before[1:]), skip_special_tokens=False).strip() == "query:"
    assert prefixed.room < plain.room


def test_windows_longer_than_the_encoder_reads_are_refused(tiny_config: Config) -> None:
    encoder = resolve("tiny")
    config = tiny_config.model_copy(update={"windows": tiny_config.windows.model_copy(update={"size": 513})})
    with pytest.raises(ConfigError, match=r"windows\.size: tiny reads at most 512 tokens"):
        window_layout(encoder, encoder.tokenizer(), encoder.model(), config)


def learn(
    config: Config, codebook: Codebook, texts: tuple[Example, ...], folder: Path, draft: Path | None = None
) -> list[Epoch]:
    epochs: list[Epoch] = []
    train_encoder(
        config,
        codebook,
        texts,
        texts,
        draft,
        folder / "checkpoints",
        resume=False,
        listener=epochs.append,
        progress=silent,
    )
    return epochs


def test_the_shipped_recipe_for_large_encoders_learns(codebook: Codebook, tiny_corpus: Corpus, tmp_path: Path) -> None:
    """The shipped config cut short, its learning rate that of a small encoder: the loss falls on 20 texts."""
    config = Config.load(
        HUB_LARGE,
        ["encoder=tiny", "training.precision=fp32", "training.epochs=6", "training.learning_rate=2e-3"],
    )
    epochs = learn(config, codebook, tiny_corpus.examples[:20], tmp_path)
    assert [round(epoch.number) for epoch in epochs] == [1, 2, 3, 4, 5, 6]
    assert epochs[-1].train_loss < 0.9 * epochs[0].train_loss
    assert epochs[-1].valid_loss < 0.9 * epochs[0].valid_loss
    assert epochs[-1].valid_logits.shape == (20, 18)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("layers", [0, 1])
def test_a_frozen_encoder_comes_out_as_it_went_in(
    codebook: Codebook, tiny_config: Config, tiny_corpus: Corpus, tmp_path: Path, layers: int
) -> None:
    """Validation logits follow the rows of the table, and two runs of one seed are equal."""
    training = tiny_config.training.model_copy(update={"trainable_layers": layers, "epochs": 1, "head_epochs": 1})
    config = tiny_config.model_copy(update={"training": training})
    texts = tiny_corpus.examples[:6]
    one, other = (learn(config, codebook, texts, tmp_path / name)[-1] for name in ("one", "other"))
    assert one.valid_loss == other.valid_loss
    assert (one.valid_logits == other.valid_logits).all()


def test_torch_state_after_a_run_is_not_shared_with_the_cache(
    codebook: Codebook, tiny_config: Config, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    before = resolve("tiny").model().state_dict()
    training = tiny_config.training.model_copy(update={"trainable_layers": "all", "epochs": 1})
    learn(tiny_config.model_copy(update={"training": training}), codebook, tiny_corpus.examples[:4], tmp_path)
    after = resolve("tiny").model().state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_sealed_encoder_can_be_opened_alone(tiny_bundle: Path) -> None:
    layout = WindowLayout.from_dict(files.read_json(tiny_bundle / files.WINDOWS))
    model = EncoderModel.load(tiny_bundle / files.GRAPH, tiny_bundle / files.TOKENIZER, layout, threads=1)
    [reading] = model.read(["Le pont ouvre dimanche."])
    assert len(reading.offsets) == len(reading.tokens.evidence) > 0
    assert reading.cut == 0
