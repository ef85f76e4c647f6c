"""torch = ONNX within the stated tolerance, over lengths and batch sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from fimiscope.codebook import Codebook, Head
from fimiscope.errors import BundleError
from fimiscope.training import export
from fimiscope.training.encoders import resolve
from fimiscope.training.export import OUTPUTS, TOLERANCE, ExportedEncoder, export_onnx
from fimiscope.training.model import LowerLayers, TokenHeads, UpperLayers

MOST_TOKENS = 64


class Look(nn.Module):
    """The least that can be exported: one state a token."""

    def __init__(self) -> None:
        super().__init__()
        self.states = nn.Embedding(500, 4)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.states(ids) * mask[..., None]


@pytest.fixture(scope="module")
def encoder() -> ExportedEncoder:
    model = resolve("tiny").model()
    torch.manual_seed(0)
    heads = TokenHeads(32, Codebook.load().heads())
    with torch.no_grad():
        for layer in (heads.evidence, heads.average, heads.attended):
            layer.weight.normal_(std=0.5)
    return ExportedEncoder([LowerLayers(model, 1), UpperLayers(model, 1)], heads)


@pytest.fixture(scope="module")
def graph(encoder: ExportedEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("export") / "encoder.onnx"
    assert export_onnx(encoder, file, most_tokens=MOST_TOKENS, pad=0) <= TOLERANCE
    return file


@pytest.mark.parametrize("lengths", [[2], [MOST_TOKENS], [3, 64, 17, 40], [5] * 9, [64] * 33])
def test_the_graph_says_what_torch_says(encoder: ExportedEncoder, graph: Path, lengths: list[int]) -> None:
    generator = torch.Generator().manual_seed(sum(lengths))
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(5, 400, (length,), generator=generator)
    mask = (ids > 0).long()
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    given = session.run(list(OUTPUTS), {"ids": ids.numpy(), "mask": mask.numpy()})
    with torch.inference_mode():
        expected = encoder(ids, mask)
    for one, other in zip(given, expected, strict=True):
        np.testing.assert_allclose(one[mask.numpy() > 0], other[mask > 0].numpy(), atol=TOLERANCE)


def test_the_graph_is_one_file_that_holds_all(graph: Path) -> None:
    assert [path.name for path in graph.parent.iterdir()] == ["encoder.onnx"]


def test_a_graph_that_differs_is_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(BundleError, match="differs from torch"):
        export_onnx(
            ExportedEncoder([Look()], TokenHeads(4, (Head("role", "softmax", ("a", "b")),))),
            tmp_path / "e.onnx",
            most_tokens=MOST_TOKENS,
            pad=0,
        )
