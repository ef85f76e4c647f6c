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


def test_word_vectors_out_of_four_bit_blocks_take_an_eighth_of_the_room(tmp_path: Path) -> None:
    """Bit for bit the same scores: one table has blocks, in the other one value keeps it from having any."""
    model = resolve("tiny").model()
    words = model.embeddings.word_embeddings.weight
    generator = torch.Generator().manual_seed(1)
    whole = torch.randint(-7, 8, words.shape, generator=generator).float()
    whole[:, 5] = -8
    with torch.no_grad():
        words.copy_(whole * torch.rand(len(words), 1, generator=generator).half().float())
    heads = TokenHeads(32, Codebook.load().heads())
    ids = torch.randint(0, len(words) - 1, (3, 40), generator=generator).numpy()
    scores = []
    for name in ("blocks", "plain"):
        encoder = ExportedEncoder([LowerLayers(model, 1), UpperLayers(model, 1)], heads)
        export_onnx(encoder, tmp_path / name, most_tokens=MOST_TOKENS, pad=0)
        session = onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"])
        scores.append(session.run(None, {"ids": ids, "mask": np.ones_like(ids)}))
        with torch.no_grad():
            words[-1, 0] += 1e-3
    assert all((one == other).all() for one, other in zip(*scores, strict=True))
    saved = (tmp_path / "plain").stat().st_size - (tmp_path / "blocks").stat().st_size
    assert saved == pytest.approx(words.nbytes * (1 - 5 / 32), rel=0.05)


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
