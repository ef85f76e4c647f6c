"""From the trained network to one fp32 ONNX graph, checked against torch before anyone relies on it."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fimiscope.bundle.blocks import pack_word_vectors
from fimiscope.errors import BundleError
from fimiscope.training.model import TokenHeads

TOLERANCE = 1e-3
OUTPUTS = ("evidence", "average", "attended")


class ExportedEncoder(nn.Module):
    """Everything between token ids and token scores."""

    def __init__(self, parts: list[nn.Module], heads: TokenHeads) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.heads = heads

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Token scores of shapes (windows, tokens), and twice (windows, tokens, labels)."""
        states = ids
        for part in self.parts:
            states = part(states, mask)
        scores: tuple[Tensor, Tensor, Tensor] = self.heads(states)
        return scores


def export_onnx(encoder: ExportedEncoder, file: Path, *, most_tokens: int, pad: int) -> float:
    """Write the graph and compare it with torch on batches of several sizes and lengths.

    Returns:
        The largest absolute difference of any token score.

    Raises:
        BundleError: the graph differs from torch by more than `TOLERANCE`.
    """
    import onnx

    encoder = encoder.cpu().float().eval()
    example = _batch([min(24, most_tokens), min(17, most_tokens)], pad)
    windows, tokens = torch.export.Dim("windows", min=1), torch.export.Dim("tokens", min=2, max=most_tokens)
    shape = {0: windows, 1: tokens}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter warns of its own internals; what counts is the comparison below.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            encoder,
            example,
            input_names=["ids", "mask"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"ids": shape, "mask": shape},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    pack_word_vectors(model)
    onnx.save_model(model, str(file))
    difference = _difference(encoder, file, most_tokens, pad)
    if not difference <= TOLERANCE:
        raise BundleError(
            f"the exported graph differs from torch by {difference:.2g}, more than {TOLERANCE}: not sealed"
        )
    return difference


def _batch(lengths: list[int], pad: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.full((len(lengths), max(lengths)), pad)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(5, 400, (length,), generator=generator)
        mask[row, :length] = 1
    return ids, mask


def _difference(encoder: ExportedEncoder, file: Path, most_tokens: int, pad: int) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    largest = 0.0
    for lengths in ([5], [most_tokens], [3, most_tokens // 2, most_tokens], [9] * 5):
        ids, mask = _batch([max(2, min(length, most_tokens)) for length in lengths], pad)
        with torch.inference_mode():
            expected = [output.numpy() for output in encoder(ids, mask)]
        given = session.run(list(OUTPUTS), {"ids": ids.numpy(), "mask": mask.numpy()})
        real = mask.numpy() > 0
        largest = max(
            [largest, *(float(np.abs(a[real] - b[real]).max()) for a, b in zip(expected, given, strict=True))]
        )
    return largest
