"""Adapters: what learns, what is kept, and that nothing is measured on what an adapter has learned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.numpy_helper import to_array
from peft import PeftModel
from safetensors.torch import load_file
from transformers import PreTrainedModel

from fimiscope.bundle import Bundle, adapter, files
from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, build
from fimiscope.errors import ConfigError, CorpusError, EncoderError
from fimiscope.pipeline import load_corpus
from fimiscope.shipped import shipped
from fimiscope.training import adapters, fit_bundle
from fimiscope.training.encoders import learned_texts, resolve
from fimiscope.training.model import layer_count, lowest_layers

ROOT = Path(__file__).parents[3]
IDS = torch.tensor([[1, 5, 6, 7, 2]])


def states(model: PreTrainedModel) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=IDS).last_hidden_state
    return found


def moved(model: PreTrainedModel) -> PeftModel:
    """An adapter on `model` that has learned something."""
    adapted = adapters.attach(model, 0, 4, "tiny")
    for name, values in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(values, std=0.1)
    return adapted


def test_an_adapter_begins_as_the_encoder_itself() -> None:
    model = resolve("tiny").model()
    before = states(model)
    adapters.attach(model, 0, 4, "tiny")
    torch.testing.assert_close(states(model), before)


def test_only_updates_of_the_upper_layers_learn() -> None:
    model = resolve("tiny").model()
    adapters.attach(model, 1, 4, "tiny")
    learning = [name for name, values in model.named_parameters() if values.requires_grad]
    assert learning
    assert all("lora_" in name and name.startswith("encoder.layer.1.") for name in learning)


def test_a_saved_adapter_gives_the_states_that_were_learned(tmp_path: Path) -> None:
    model = resolve("tiny").model()
    before = states(model)
    adapted = moved(model)
    learned = states(model)
    adapters.save(adapted, tmp_path, base="tiny", layers=2, texts=["one text", "another"])
    adapters.merge(adapted)
    assert not any("lora_" in name for name, _ in model.named_parameters())
    # Kept in half precision.
    torch.testing.assert_close(states(model), learned, atol=1e-3, rtol=1e-2)
    encoder = resolve(f"path:{tmp_path}")
    torch.testing.assert_close(states(encoder.model()), states(model))
    assert not torch.allclose(before, learned, atol=1e-2)
    assert encoder.fingerprint != resolve("tiny").fingerprint
    assert learned_texts(f"path:{tmp_path}") == {short_digest("one text"), short_digest("another")}
    assert all(values.requires_grad for values in encoder.model().parameters())


def test_an_adapter_of_an_adapter_stands_on_both(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    model = resolve("tiny").model()
    for folder, base in ((first, "tiny"), (second, f"path:{first}")):
        folder.mkdir()
        adapted = moved(model)
        adapters.save(adapted, folder, base=base, layers=2, texts=[folder.name])
        adapters.merge(adapted)
    encoder = resolve(f"path:{second}")
    torch.testing.assert_close(states(encoder.model()), states(model), atol=2e-3, rtol=1e-2)
    assert learned_texts(encoder.reference) == {short_digest("first"), short_digest("second")}


def test_layers_above_those_that_were_adapted_are_dropped(tmp_path: Path) -> None:
    model = lowest_layers(resolve("tiny").model(), 1, "tiny")
    adapters.save(moved(model), tmp_path, base="tiny", layers=1, texts=[])
    assert layer_count(resolve(f"path:{tmp_path}").model()) == 1


def test_layers_that_are_not_there_cannot_be_adapted() -> None:
    with pytest.raises(ConfigError, match=r"training\.adapter_rank: tiny has no layers to adapt"):
        adapters.attach(resolve("tiny").model(), 2, 4, "tiny")


@pytest.mark.parametrize("name", adapter.FILES)
def test_a_missing_or_broken_file_is_named(tmp_path: Path, name: str) -> None:
    adapters.save(moved(resolve("tiny").model()), tmp_path, base="tiny", layers=2, texts=[])
    (tmp_path / name).write_text("{")
    with pytest.raises(EncoderError, match=name) as caught:
        learned_texts(f"path:{tmp_path}")
        resolve(f"path:{tmp_path}").model()
    assert "\n" not in str(caught.value)
    if name != adapter.CONFIG:
        (tmp_path / name).unlink()
        with pytest.raises(EncoderError, match=f"{name} not found"):
            resolve(f"path:{tmp_path}")


@pytest.fixture(scope="module")
def adapted_bundle(
    tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a bundle whose encoder learned by an adapter."""
    training = tiny_config.training.model_copy(update={"adapter_rank": 4})
    config = tiny_config.model_copy(update={"training": training, "lexical": None})
    folder = tmp_path_factory.mktemp("adapted") / "tiny"
    fit_bundle(config, tiny_corpus, codebook, folder)
    return folder


def test_a_bundle_holds_what_its_encoder_learned(adapted_bundle: Path, tiny_corpus: Corpus) -> None:
    assert set(adapter.FILES) <= set(files.verify(adapted_bundle).files)
    updates = load_file(adapted_bundle / adapter.WEIGHTS)
    assert all(".layer.1." in name for name in updates)
    assert any(values.abs().max() > 0 for name, values in updates.items() if "lora_B" in name)
    learned = learned_texts(f"path:{adapted_bundle}")
    assert learned == {short_digest(example.article.text) for example in tiny_corpus.part("train")}
    calibrated = {short_digest(example.article.text) for example in tiny_corpus.part("valid")}
    assert set(files.read_json(adapted_bundle / files.LEARNED)) == calibrated, "no text is listed twice"
    assert Bundle.load(adapted_bundle).learned == learned | calibrated


def test_the_graph_of_the_bundle_is_the_adapted_encoder(adapted_bundle: Path) -> None:
    graph = {one.name: to_array(one) for one in onnx.load(adapted_bundle / files.GRAPH).graph.initializer}
    states = resolve(f"path:{adapted_bundle}").model().state_dict()
    adapted = states["encoder.layer.1.intermediate.dense.weight"].numpy()
    plain = resolve("tiny").model().state_dict()["encoder.layer.1.intermediate.dense.weight"].numpy()

    def nearest(weights: np.ndarray) -> float:
        shaped = [values for values in graph.values() if values.shape in (weights.shape, weights.T.shape)]
        both = [values if values.shape == weights.shape else values.T for values in shaped]
        return min(
            float(np.abs(one - weights).max()) for one in (*both, *(v.T for v in both if v.shape[0] == v.shape[1]))
        )

    assert nearest(adapted) < 1e-3 < nearest(plain)


def test_training_goes_on_from_an_adapted_bundle(
    adapted_bundle: Path, tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path
) -> None:
    reference = f"path:{adapted_bundle}"
    frozen = tiny_config.training.model_copy(update={"trainable_layers": 0})
    config = tiny_config.model_copy(update={"encoder": reference, "lexical": None, "training": frozen})
    fit_bundle(config, tiny_corpus, codebook, tmp_path / "further")
    graph = [to_array(one) for one in onnx.load(tmp_path / "further" / files.GRAPH).graph.initializer]
    weights = resolve(reference).model().state_dict()["encoder.layer.1.intermediate.dense.weight"].numpy()
    assert any(np.allclose(one, w) for one in graph for w in (weights, weights.T) if one.shape == w.shape)


def test_a_bundle_cannot_replace_the_adapter_that_it_starts_from(
    adapted_bundle: Path, tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook
) -> None:
    config = tiny_config.model_copy(update={"encoder": f"path:{adapted_bundle}", "lexical": None})
    with pytest.raises(ConfigError, match="holds the adapter that this run starts from: choose another name"):
        fit_bundle(config, tiny_corpus, codebook, adapted_bundle)
    files.verify(adapted_bundle)


def test_a_bundle_without_an_adapter_is_no_encoder(tiny_bundle: Path) -> None:
    with pytest.raises(EncoderError, match=r"that bundle holds no adapter .* training\.adapter_rank"):
        resolve(f"path:{tiny_bundle}")


def test_texts_that_an_adapter_learned_are_not_held_out_again(
    adapted_bundle: Path, tiny_config: Config, codebook: Codebook
) -> None:
    learned = learned_texts(f"path:{adapted_bundle}")
    elsewhere = build(tiny_config.corpus, codebook, seed=tiny_config.seed + 1, learned=learned)
    for part in ("valid", "test"):
        held_out = {short_digest(example.article.text) for example in elsewhere.part(part)}
        assert held_out
        assert not held_out & learned


def test_a_corpus_that_holds_out_learned_texts_all_the_same_is_refused(
    adapted_bundle: Path, tiny_config: Config, codebook: Codebook, tmp_path: Path
) -> None:
    config = tiny_config.model_copy(update={"encoder": f"path:{adapted_bundle}", "lexical": None})
    other = build(config.corpus, codebook, seed=tiny_config.seed + 1)
    with pytest.raises(CorpusError, match=r"has learned from \d+ of the texts that are held out"):
        fit_bundle(config, other, codebook, tmp_path / "leak")
    assert not (tmp_path / "leak").exists()


def test_the_shipped_adapter_knows_nothing_that_measures(codebook: Codebook) -> None:
    """Neither contrast suite nor re-posts nor inbox nor what the recipes that start from it hold out."""
    learned = learned_texts("shipped:role-reader")
    assert len(learned) > 5000
    measuring = [
        json.loads(line)["text"]
        for name in ("families", "reposts")
        for line in shipped(f"contrast/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(measuring) > 600
    quickstart = load_corpus(Config.load(ROOT / "configs" / "quickstart.yaml"), codebook)
    assert min(len(quickstart.part("valid")), len(quickstart.part("test"))) > 200
    measuring += [example.article.text for part in ("valid", "test") for example in quickstart.part(part)]
    measuring += [path.read_text(encoding="utf-8") for path in shipped("sample/inbox").glob("*.txt")]
    assert not learned & {short_digest(text) for text in measuring}


def test_the_shipped_adapter_is_small_and_copies_alone(tmp_path: Path) -> None:
    [folder] = resolve("shipped:role-reader").adapters
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    shutil.copytree(folder, tmp_path / "copy")
    assert resolve(f"path:{tmp_path / 'copy'}").fingerprint == resolve("shipped:role-reader").fingerprint
