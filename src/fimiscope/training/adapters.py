"""Adapters: low-rank updates of an encoder's layers, a few megabytes in place of a copy of the encoder.

LoRA (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021), by the library `peft` and in its files.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.bundle.adapter import CONFIG, ORIGIN, WEIGHTS, layers_of
from fimiscope.checksums import short_digest
from fimiscope.errors import ConfigError, EncoderError, MissingExtra

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")


def attach(model: PreTrainedModel, first_layer: int, rank: int, reference: str) -> PeftModel:
    """Freeze `model` and give each linear map of its layers from `first_layer` on an update of `rank` to learn.

    The model is changed in place: its layers stay where they are, with other linear maps inside.

    Raises:
        ConfigError: there is no linear map in such layers.
    """
    from torch import nn

    peft = _library()
    targets = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and (place := _LAYER.search(name + ".")) and int(place.group(1)) >= first_layer
    ]
    if not targets:
        raise ConfigError(f"training.adapter_rank: {reference} has no layers to adapt, or none of them is trainable")
    with _without_future_warnings():
        settings = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets, bias="none")
        adapted: PeftModel = peft.get_peft_model(model, settings)
        return adapted


def save(adapted: PeftModel, folder: Path, *, base: str, layers: int, texts: Iterable[str]) -> None:
    """Write `FILES` into `folder`: the update in half precision, what it is of, and digests of the texts behind it.

    The update in memory is rounded likewise, so that what is exported is what was saved.

    Args:
        base: reference of the encoder that the update is of.
        layers: how many of its layers are used, from the lowest.
        texts: what was learned from.
    """
    from safetensors.torch import save_file

    updates = _library().get_peft_model_state_dict(adapted)
    states = {name: value.detach().half().contiguous() for name, value in updates.items()}
    for name, value in updates.items():
        value.detach().copy_(states[name])
    save_file(states, folder / WEIGHTS)
    made: Any = adapted.peft_config["default"]
    document = {
        "peft_type": "LORA",
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": made.r,
        "lora_alpha": made.lora_alpha,
        "target_modules": sorted(made.target_modules),
        "bias": "none",
    }
    (folder / CONFIG).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    digests = sorted({short_digest(text) for text in texts})
    origin = {"layers": layers, "learned": digests}
    (folder / ORIGIN).write_text(json.dumps(origin, indent=0) + "\n", encoding="utf-8")


def merge(adapted: PeftModel) -> None:
    """Add the updates to the weights: the layers are plain again, and stay where they are."""
    adapted.merge_and_unload()


def apply(model: PreTrainedModel, folder: Path) -> None:
    """Drop the layers above those that the adapter in `folder` is of, and add its update to the weights, in place.

    Raises:
        EncoderError: the files are damaged, or of another encoder.
    """
    from safetensors import SafetensorError

    from fimiscope.training.model import lowest_layers

    peft = _library()
    try:
        lowest_layers(model, layers_of(folder), str(folder))
        with _without_future_warnings():
            adapted = peft.PeftModel.from_pretrained(model, str(folder), torch_device="cpu")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, ConfigError) as error:
        raise EncoderError(f"adapter {folder}: {CONFIG} or {WEIGHTS} does not fit: copy it again") from error
    merge(adapted)
    model.requires_grad_(True)


def _library() -> Any:
    """The module `peft`."""
    try:
        import peft
    except ModuleNotFoundError as error:
        raise MissingExtra("peft", "train") from error
    return peft


@contextmanager
def _without_future_warnings() -> Iterator[None]:
    """peft asks transformers by a name that transformers will rename."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
