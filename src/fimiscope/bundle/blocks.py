"""Word vectors as 4-bit blocks in a graph: an eighth of the size, for tables that came out of such blocks."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

RUNTIME = "com.microsoft"
_IR_VERSION = 10
"""The first with 4-bit tensors."""
_BLOCK = 32
_ROWS_AT_A_TIME = 16384
Floats = npt.NDArray[np.float32]


def pack_word_vectors(model: ModelProto) -> None:
    """Let a graph keep the table in which it looks up `ids` as 4-bit blocks, if they give it bit for bit."""
    from onnx import numpy_helper

    graph = model.graph
    tables = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if not looks_up_words(node, tables):
            continue
        table = tables[node.input[0]]
        packed = packed_gather(table.name, numpy_helper.to_array(table), node.output[0])
        if packed is None:
            continue
        lookup, tensors = packed
        node.CopyFrom(lookup)
        graph.initializer.remove(table)
        graph.initializer.extend(tensors)
        model.ir_version = max(model.ir_version, _IR_VERSION)
        allow_runtime_operators(model)


def looks_up_words(node: NodeProto, tables: Container[str]) -> bool:
    """Whether a node looks up `ids` in one of the constant `tables`."""
    return node.op_type == "Gather" and node.input[1] == "ids" and node.input[0] in tables


def allow_runtime_operators(model: ModelProto) -> None:
    """Let a graph use the operators that onnxruntime adds to the standard's."""
    from onnx import helper

    if RUNTIME not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(RUNTIME, 1))


def packed_gather(name: str, table: Floats, output: str) -> tuple[NodeProto, list[TensorProto]] | None:
    """The node that looks up `ids` in the 4-bit blocks of `table`, and the constants it reads; none without blocks."""
    from onnx import TensorProto, helper, numpy_helper

    blocks = four_bit_blocks(table)
    if blocks is None:
        return None
    pairs, scales = blocks
    tensors = [
        helper.make_tensor(f"{name}.pairs", TensorProto.INT4, table.shape, pairs.tobytes(), raw=True),
        numpy_helper.from_array(scales, f"{name}.scales"),
    ]
    inputs = [tensors[0].name, "ids", tensors[1].name]
    how = {"domain": RUNTIME, "block_size": _BLOCK, "quantize_axis": 1}
    return helper.make_node("GatherBlockQuantized", inputs, [output], **how), tensors


def four_bit_blocks(table: Floats) -> tuple[npt.NDArray[np.uint8], Floats] | None:
    """The 4-bit blocks of 32 values that give `table` bit for bit; none where there are no such blocks.

    In such a block every value is a whole number from -8 to 7 times a scale; the one farthest from 0 is -8 times it.

    Returns:
        Two values a byte, the first in its low half, shape (rows, columns / 2); scales, shape (rows, columns / 32).
    """
    rows, columns = table.shape
    if columns % _BLOCK:
        return None
    pairs = np.empty((rows, columns // 2), dtype=np.uint8)
    scales = np.empty((rows, columns // _BLOCK), dtype=np.float32)
    for start in range(0, rows, _ROWS_AT_A_TIME):
        values = table[start : start + _ROWS_AT_A_TIME].reshape(-1, _BLOCK)
        farthest = np.take_along_axis(values, np.abs(values).argmax(axis=1, keepdims=True), axis=1)
        scale = (farthest / -8).astype(np.float32)
        whole = np.round(values / np.where(scale == 0, np.float32(1), scale)).astype(np.int8)
        if whole.max() > 7 or whole.min() < -8 or not np.array_equal(whole * scale, values):
            return None
        halves = (whole & 15).astype(np.uint8).reshape(-1, columns)
        pairs[start : start + _ROWS_AT_A_TIME] = halves[:, 0::2] | halves[:, 1::2] << 4
        scales[start : start + _ROWS_AT_A_TIME] = scale.reshape(-1, columns // _BLOCK)
    return pairs, scales
