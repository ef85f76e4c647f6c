"""The encoder of a bundle: one ONNX graph over batches of windows, on onnxruntime and tokenizers alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.pooling import TokenScores, pool
from fimiscope.bundle.windows import Ints, Window, Windowed, WindowLayout, cut_windows, pad_windows
from fimiscope.errors import BundleError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

BATCH_TOKENS = 4096
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the encoder saw of one document.

    Attributes:
        tokens: scores of every token read.
        offsets: their half-open character offsets in the document, shape (tokens, 2).
        windows: number of windows.
        cut: tokens beyond the window cap, which were not read.
    """

    tokens: TokenScores
    offsets: Ints
    windows: tuple[Window, ...]
    cut: int


class EncoderModel:
    """Scores tokens of documents; the same answers whatever the batch."""

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer, layout: WindowLayout) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self.layout = layout

    @classmethod
    def load(cls, graph: Path, tokenizer: Path, layout: WindowLayout, *, threads: int | None = None) -> EncoderModel:
        """Open a graph and its tokenizer; `threads` bounds the cores used (all when absent).

        Raises:
            BundleError: the installed onnxruntime or tokenizers cannot read them.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
            return cls(session, Tokenizer.from_file(str(tokenizer)), layout)
        except Exception as error:
            # Both libraries raise classes of their own below nothing narrower than Exception.
            raise BundleError(
                f"bundle {graph.parent}: {graph.name} or {tokenizer.name} cannot be read "
                f"({' '.join(str(error).split())}): update onnxruntime and tokenizers, or copy the bundle again"
            ) from error

    def cut(self, texts: Sequence[str]) -> list[Windowed]:
        """The windows of each text, in the order given."""
        return [cut_windows(text, self._tokenizer, self.layout) for text in texts]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Scores of each document's tokens, in the order given."""
        return self.read_windows(self.cut(texts))

    def read_windows(self, documents: Sequence[Windowed]) -> list[Reading]:
        """The same of documents that are cut already."""
        flat = [(number, window) for number, document in enumerate(documents) for window in document.windows]
        parts: dict[tuple[int, int], list[np.ndarray[Any, Any]]] = {}
        for batch in _batches(flat):
            ids, mask = pad_windows([window for _, window in batch], self.layout.pad)
            outputs = self._session.run(["evidence", "average", "attended"], {"ids": ids, "mask": mask})
            for row, (number, window) in enumerate(batch):
                owned = slice(window.first, window.first + window.owned)
                parts[number, window.start] = [output[row, owned] for output in outputs]
        return [_join(number, document, parts) for number, document in enumerate(documents)]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw logits of each document, shape (documents, labels)."""
        return np.array([pool(reading.tokens) for reading in self.read(texts)], dtype=np.float64)


def _batches(windows: list[tuple[int, Window]]) -> Iterator[list[tuple[int, Window]]]:
    """Windows of like length together, `BATCH_TOKENS` padded tokens at most in one batch."""
    batch: list[tuple[int, Window]] = []
    for number, window in sorted(windows, key=lambda pair: len(pair[1].ids)):
        if batch and (len(batch) + 1) * len(window.ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append((number, window))
    if batch:
        yield batch


def _join(number: int, document: Windowed, parts: dict[tuple[int, int], list[np.ndarray[Any, Any]]]) -> Reading:
    pieces = [parts[number, window.start] for window in document.windows]
    evidence, average, attended = (np.concatenate([piece[kind] for piece in pieces]) for kind in range(3))
    return Reading(TokenScores(evidence, average, attended), document.offsets, document.windows, document.cut)
