"""Adapters: what learns, what is kept, and that nothing is measured on what an adapter has learned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import PreTrainedModel

from fimiscope.bundle import files
from fimiscope.bundle.encoder import EncoderModel
from fimiscope.bundle.windows import WindowLayout
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, build
from fimiscope.errors import ConfigError, CorpusError, EncoderError
from fimiscope.pipeline import load_corpus
from fimiscope.shipped import shipped
from fimiscope.training import adapters, fit_bundle
from fimiscope.training.encoders import resolve
from fimiscope.training.model import layer_count, lowest_layers

IDS = torch.tensor([[1, 5, 6, 7, 2]])


def states(model: PreTrainedModel) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=IDS).last_hidden_state
    return found


def moved(model: PreTrainedModel, first_layer: int = 0) -> PeftModel:
    """An adapter on `model` that has learned something."""
    adapted = adapters.attach(model, first_layer, 4, "tiny")
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
    adapters.save(adapted, tmp_path, "tiny", 2, ["one text", "another"])
    adapters.merge(adapted)
    assert not any("lora_" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(states(model), learned)
    encoder = resolve(f"path:{tmp_path}")
    # Kept in half precision.
    torch.testing.assert_close(states(encoder.model()), learned, atol=1e-3, rtol=1e-2)
    assert not torch.allclose(before, learned, atol=1e-2)
    assert encoder.fingerprint != resolve("tiny").fingerprint
    assert encoder.learned() == {adapters.digest_of("one text"), adapters.digest_of("another")}
    assert all(values.requires_grad for values in encoder.model().parameters())


def test_an_adapter_of_an_adapter_stands_on_both(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    model = resolve("tiny").model()
    for folder, base in ((first, "tiny"), (second, f"path:{first}")):
        folder.mkdir()
        adapted = moved(model)
        adapters.save(adapted, folder, base, 2, [folder.name])
        adapters.merge(adapted)
    encoder = resolve(f"path:{second}")
    torch.testing.assert_close(states(encoder.model()), states(model), atol=2e-3, rtol=1e-2)
    assert encoder.learned() == {adapters.digest_of("first"), adapters.digest_of("second")}


def test_layers_above_those_that_were_adapted_are_dropped(tmp_path: Path) -> None:
    model = lowest_layers(resolve("tiny").model(), 1, "tiny")
    adapters.save(moved(model), tmp_path, "tiny", 1, [])
    assert layer_count(resolve(f"path:{tmp_path}").model()) == 1


def test_layers_that_are_not_there_cannot_be_adapted() -> None:
    with pytest.raises(ConfigError, match=r"training\.adapter_rank: tiny has no layers to adapt"):
        adapters.attach(resolve("tiny").model(), 2, 4, "tiny")


@pytest.mark.parametrize("name", adapters.FILES)
def test_a_missing_or_broken_file_is_named(tmp_path: Path, name: str) -> None:
    adapters.save(moved(resolve("tiny").model()), tmp_path, "tiny", 2, [])
    (tmp_path / name).write_text("{")
    with pytest.raises(EncoderError, match=name) as caught:
        encoder = resolve(f"path:{tmp_path}")
        encoder.learned()
        encoder.model()
    assert "\n" not in str(caught.value)
    if name != adapters.CONFIG:
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
    assert set(adapters.FILES) <= set(files.verify(adapted_bundle).files)
    updates = load_file(adapted_bundle / adapters.WEIGHTS)
    assert all(".layer.1." in name for name in updates)
    assert any(values.abs().max() > 0 for name, values in updates.items() if "lora_B" in name)
    learned = resolve(f"path:{adapted_bundle}").learned()
    assert learned == {adapters.digest_of(example.article.text) for example in tiny_corpus.part("train")}


def test_the_graph_of_the_bundle_is_the_adapted_encoder(adapted_bundle: Path, tiny_corpus: Corpus) -> None:
    layout = WindowLayout.from_dict(files.read_json(adapted_bundle / files.WINDOWS))
    graph = EncoderModel.load(adapted_bundle / files.GRAPH, adapted_bundle / files.TOKENIZER, layout)
    plain = resolve("tiny").model()
    adapted = resolve(f"path:{adapted_bundle}").model()
    assert not torch.allclose(states(plain), states(adapted), atol=1e-4)
    assert graph.logits([example.document().text for example in tiny_corpus.part("test")]).std() > 0


def test_training_goes_on_from_an_adapted_bundle(
    adapted_bundle: Path, tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path
) -> None:
    config = tiny_config.model_copy(update={"encoder": f"path:{adapted_bundle}", "lexical": None})
    manifest = fit_bundle(config, tiny_corpus, codebook, tmp_path / "further")
    assert manifest.encoder == f"path:{adapted_bundle}"


def test_texts_that_an_adapter_learned_cannot_be_held_out(
    adapted_bundle: Path, tiny_config: Config, codebook: Codebook, tmp_path: Path
) -> None:
    config = tiny_config.model_copy(update={"encoder": f"path:{adapted_bundle}", "lexical": None})
    other = build(config.corpus, codebook, seed=tiny_config.seed + 1)
    with pytest.raises(CorpusError, match=r"was adapted on \d+ of the texts that this corpus holds out"):
        fit_bundle(config, other, codebook, tmp_path / "leak")
    assert not (tmp_path / "leak").exists()


def test_the_shipped_adapter_knows_nothing_that_measures(codebook: Codebook) -> None:
    """Neither contrast suite nor re-posts nor inbox nor the held-out part of the recipe that starts from it."""
    encoder = resolve("shipped:role-reader")
    learned = encoder.learned()
    assert len(learned) > 1000
    measuring = [
        json.loads(line)["text"]
        for name in ("families", "reposts")
        for line in shipped(f"contrast/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    measuring += [path.read_text(encoding="utf-8", errors="replace") for path in shipped("sample/inbox").glob("*.txt")]
    quickstart = Config.load(Path(__file__).parents[3] / "configs" / "quickstart.yaml")
    held_out = [example for example in load_corpus(quickstart, codebook).examples if example.part != "train"]
    measuring += [example.labelled_article().text for example in held_out]
    assert not learned & {adapters.digest_of(text) for text in measuring}


def test_the_shipped_adapter_is_small_and_copies_alone(tmp_path: Path) -> None:
    [folder] = resolve("shipped:role-reader").adapters
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    shutil.copytree(folder, tmp_path / "copy")
    assert resolve(f"path:{tmp_path / 'copy'}").fingerprint == resolve("shipped:role-reader").fingerprint
