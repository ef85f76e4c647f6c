"""The int8 form of an encoder: made from its fp32 graph where it is first asked for, and kept in the cache folder.

Matrices hold one scale a column. Activations take one scale a token, the largest absolute value of its row over 127,
so that no score depends on the other tokens of a run (Dettmers et al., "LLM.int8()", 2022, call this vector-wise
quantization). Word vectors hold one scale a row. All else, and the token heads, stays in fp32.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.blocks import RUNTIME, allow_runtime_operators, looks_up_words
from fimiscope.cache import cache_folder
from fimiscope.checksums import sha256_of_file
from fimiscope.errors import BundleError, ConfigError, MissingExtra, OutputError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

FORM = 1
"""Changes when this module makes another graph from the same one, so that older files in caches are passed over."""
_LARGEST = 127
_MIDDLE = 128
_AFTER_HEADS = ("Add", "Identity", "Mul", "Squeeze", "Reshape")
Array = npt.NDArray[Any]


def int8_graph(graph: Path, checksum: str) -> Path:
    """The int8 form of the fp32 `graph` whose SHA-256 is `checksum`; made now unless the cache has it undamaged.

    A file's name holds its own checksum, and it appears in one step: processes that make it at the same time write
    the same file.

    Raises:
        ConfigError: this processor cannot multiply eight-bit numbers without error.
        MissingExtra: the package onnx is not installed.
        BundleError: the graph has no matrices to quantize.
        OutputError: the cache folder cannot be written.
    """
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtra("onnx", "ready")
    # Also where the form is there: machines may share a cache.
    if not _multiplies_rightly():
        raise ConfigError("--precision int8: this processor's eight-bit products saturate; use --precision fp32")
    folder = cache_folder() / "int8"
    prefix = f"{checksum[:16]}-{FORM}-"
    for path in sorted(folder.glob(f"{prefix}*.onnx")):
        if sha256_of_file(path) == path.stem.removeprefix(prefix):
            return path
    import onnx

    model = quantized(onnx.load_model(str(graph)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".draft", delete=False) as draft:
            path = Path(draft.name)
        try:
            onnx.save_model(model, str(path))
            return path.replace(folder / f"{prefix}{sha256_of_file(path)}.onnx")
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror or error}): set FIMISCOPE_CACHE to a folder with 200 MB free"
        ) from error


def _multiplies_rightly() -> bool:
    """Whether sums of large eight-bit products are exact; x86 processors without VNNI keep 16 bits of each pair."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node("MatMulInteger", ["states", "matrix"], ["product"])
    largest = numpy_helper.from_array(np.full((64, 64), _LARGEST, dtype=np.int8), "matrix")
    states = helper.make_tensor_value_info("states", TensorProto.UINT8, [64, 64])
    product = helper.make_tensor_value_info("product", TensorProto.INT32, [64, 64])
    graph = helper.make_graph([node], "products", [states], [product], [largest])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"states": np.full((64, 64), 255, dtype=np.uint8)})
    return bool((found == 64 * 255 * _LARGEST).all())


def quantized(model: ModelProto) -> ModelProto:
    """The int8 form of an fp32 encoder graph, whose constants it takes over.

    Raises:
        BundleError: it has no matrices to quantize.
    """
    return _Quantizer(model).model()


class _Quantizer:
    """Goes through the nodes in their order and collects those of the new graph."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._heads = _heads(model)
        self._nodes: list[NodeProto] = []
        self._tokens: dict[str, tuple[str, str]] = {}
        self._replaced = 0

    def model(self) -> ModelProto:
        graph = self._model.graph
        self._numbers("int8.unit", np.float32(1))
        self._numbers("int8.middle", np.uint8(_MIDDLE))
        self._numbers("int8.step", np.float32(1 / _LARGEST))
        self._numbers("int8.least", np.float32(1e-12))
        self._numbers("int8.last", np.array([-1], dtype=np.int64))
        for node in graph.node:
            if looks_up_words(node, self._constants):
                self._words(node)
            elif node.op_type == "MatMul" and self._is_matrix(node.input[1]) and node.output[0] not in self._heads:
                self._product(node)
            else:
                self._nodes.append(node)
        if not self._replaced:
            raise BundleError("the encoder's graph has no matrices that int8 could replace: use precision fp32")
        nodes = list(self._nodes)
        used = {name for node in nodes for name in node.input}
        kept = [tensor for name, tensor in self._constants.items() if name in used]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend(kept)
        allow_runtime_operators(self._model)
        return self._model

    def _words(self, node: NodeProto) -> None:
        """Word vectors with one scale a row."""
        from onnx import TensorProto

        table, ids, vectors = node.input[0], node.input[1], node.output[0]
        values, scales = _in_eight_bits(self._array(table), axis=1)
        self._add("Gather", [self._numbers(f"{table}.int8", values.astype(np.int8)), ids], f"{vectors}.int8")
        self._add("Gather", [self._numbers(f"{table}.scale", scales), ids], f"{vectors}.scale")
        self._add("Cast", [f"{vectors}.int8"], f"{vectors}.wide", to=TensorProto.FLOAT)
        self._add("Mul", [f"{vectors}.wide", f"{vectors}.scale"], vectors)

    def _product(self, node: NodeProto) -> None:
        states, matrix, product = node.input[0], node.input[1], node.output[0]
        tokens, scale = self._quantized_tokens(states)
        values, scales = _in_eight_bits(self._array(matrix), axis=0)
        columns = self._numbers(f"{matrix}.int8", values.astype(np.int8))
        steps = self._numbers(f"{matrix}.scale", scales[0])
        inputs = [tokens, columns, "int8.unit", steps, "int8.middle"]
        self._add("MatMulIntegerToFloat", inputs, f"{product}.unscaled", domain=RUNTIME)
        self._add("Mul", [f"{product}.unscaled", scale], product)
        self._replaced += 1

    def _quantized_tokens(self, states: str) -> tuple[str, str]:
        """Names of the states in eight bits and of each token's scale; products of the same states share them."""
        if states not in self._tokens:
            name = f"{states}.token"
            self._add("Abs", [states], f"{name}.abs")
            self._add("ReduceMax", [f"{name}.abs", "int8.last"], f"{name}.most", keepdims=1)
            self._add("Mul", [f"{name}.most", "int8.step"], f"{name}.step")
            self._add("Max", [f"{name}.step", "int8.least"], f"{name}.scale")
            self._add("Div", [states, f"{name}.scale"], f"{name}.scaled")
            self._add("QuantizeLinear", [f"{name}.scaled", "int8.unit", "int8.middle"], f"{name}.int8")
            self._tokens[states] = (f"{name}.int8", f"{name}.scale")
        return self._tokens[states]

    def _is_matrix(self, name: str) -> bool:
        return name in self._constants and len(self._constants[name].dims) == 2

    def _array(self, name: str) -> Array:
        from onnx import numpy_helper

        return np.asarray(numpy_helper.to_array(self._constants[name]))

    def _numbers(self, name: str, values: Array | np.generic) -> str:
        from onnx import numpy_helper

        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(values).reshape(np.shape(values)), name)
        return name

    def _add(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))


def _heads(model: ModelProto) -> set[str]:
    """What the token heads compute: products from which an output follows without another layer."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    open_names = [output.name for output in model.graph.output]
    heads = set()
    while open_names:
        node = made_by.get(open_names.pop())
        if node is None:
            continue
        if node.op_type == "MatMul":
            heads.add(node.output[0])
        elif node.op_type in _AFTER_HEADS:
            open_names.extend(node.input)
    return heads


def _in_eight_bits(matrix: Array, *, axis: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Values from -127 to 127 and their scales, one for each slice along `axis`."""
    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True) / _LARGEST, 1e-12).astype(np.float32)
    return np.round(matrix / scales).astype(np.int16), scales
