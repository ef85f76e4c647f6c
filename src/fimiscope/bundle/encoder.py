"""The encoder of a bundle: one ONNX graph over windows, on onnxruntime and tokenizers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.cores import usable_cores
from fimiscope.bundle.pooling import TokenScores, pool
from fimiscope.bundle.windows import Ints, Window, Windowed, WindowLayout, cut_windows, pad_windows
from fimiscope.errors import BundleError, ConfigError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")
CUDA_BATCH_TOKENS = 16384
_OUTPUTS = ["evidence", "average", "attended"]
_In = TypeVar("_In")
_Out = TypeVar("_Out")
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
    """Scores tokens of documents; on processor cores the same answers to the bit, whatever else is scored.

    On processor cores every window is a run of its own on one core, as many at a time as there are cores: as fast as
    batches there, without padding and without threads that wait for each other, and a window's scores cannot depend
    on others. A GPU gets windows of like length together.
    """

    def __init__(
        self,
        session: InferenceSession,
        tokenizer: Tokenizer,
        layout: WindowLayout,
        *,
        threads: int = 1,
        batch_tokens: int = 0,
    ) -> None:
        """`threads` runs at a time, of at most `batch_tokens` padded tokens each, or of one window."""
        self._session = session
        self._tokenizer = tokenizer
        self.layout = layout
        self._threads = threads
        self._batch_tokens = batch_tokens

    @classmethod
    def load(
        cls, graph: Path, tokenizer: Path, layout: WindowLayout, *, threads: int | None = None, device: Device = "cpu"
    ) -> EncoderModel:
        """Open a graph and its tokenizer; `threads` bounds the cores used (all that the process may use when absent).

        Raises:
            BundleError: the installed onnxruntime or tokenizers cannot read them.
            ConfigError: the installed onnxruntime cannot use the device.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(str(graph), options, providers=_providers(device))
            opened = Tokenizer.from_file(str(tokenizer))
        except ConfigError:
            raise
        except Exception as error:
            # Both libraries raise classes of their own below nothing narrower than Exception.
            raise BundleError(
                f"bundle {tokenizer.parent}: {graph.name} or {tokenizer.name} cannot be read "
                f"({' '.join(str(error).split())}): update onnxruntime and tokenizers, or copy the bundle again"
            ) from error
        if device == "cuda":
            # onnxruntime goes on without a GPU that it cannot open.
            if "CUDAExecutionProvider" not in session.get_providers():
                raise ConfigError("--device cuda: no GPU can be opened here; check its driver, or use --device cpu")
            return cls(session, opened, layout, batch_tokens=CUDA_BATCH_TOKENS)
        return cls(session, opened, layout, threads=threads or usable_cores())

    def cut(self, texts: Sequence[str]) -> list[Windowed]:
        """The windows of each text, in the order given."""
        return self._at_once(lambda text: cut_windows(text, self._tokenizer, self.layout), texts)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Scores of each document's tokens, in the order given."""
        return self.read_windows(self.cut(texts))

    def read_windows(self, documents: Sequence[Windowed]) -> list[Reading]:
        """The same of documents that are cut already."""
        flat = [(number, window) for number, document in enumerate(documents) for window in document.windows]
        batches = list(_batches(flat, self._batch_tokens))
        parts: dict[tuple[int, int], list[np.ndarray[Any, Any]]] = {}
        for batch, outputs in zip(batches, self._at_once(self._run, batches), strict=True):
            for row, (number, window) in enumerate(batch):
                owned = slice(window.first, window.first + window.owned)
                parts[number, window.start] = [output[row, owned] for output in outputs]
        return [_join(number, document, parts) for number, document in enumerate(documents)]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw logits of each document, shape (documents, labels)."""
        return np.array([pool(reading.tokens) for reading in self.read(texts)], dtype=np.float64)

    def _run(self, batch: list[tuple[int, Window]]) -> list[np.ndarray[Any, Any]]:
        ids, mask = pad_windows([window for _, window in batch], self.layout.pad)
        outputs: list[np.ndarray[Any, Any]] = self._session.run(_OUTPUTS, {"ids": ids, "mask": mask})
        return outputs

    def _at_once(self, work: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
        """What `work` makes of each item, in order; tokenizers and onnxruntime let other threads run meanwhile."""
        if self._threads == 1 or len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self._threads) as executor:
            return list(executor.map(work, items))


def _providers(device: Device) -> list[str | tuple[str, dict[str, str]]]:
    import onnxruntime

    if device not in DEVICES:
        raise ConfigError(f"device '{device}' is unknown: choose {', '.join(DEVICES)}")
    if device == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ConfigError(
            "--device cuda: the installed onnxruntime runs on processor cores alone; "
            "run  pip uninstall onnxruntime && pip install onnxruntime-gpu"
        )
    return [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]


def _batches(windows: list[tuple[int, Window]], most_tokens: int) -> Iterator[list[tuple[int, Window]]]:
    """The longest windows first, those of like length together; `most_tokens` padded tokens, or one window, each."""
    batch: list[tuple[int, Window]] = []
    for number, window in sorted(windows, key=lambda pair: -len(pair[1].ids)):
        if batch and (len(batch) + 1) * len(batch[0][1].ids) > most_tokens:
            yield batch
            batch = []
        batch.append((number, window))
    if batch:
        yield batch


def _join(number: int, document: Windowed, parts: dict[tuple[int, int], list[np.ndarray[Any, Any]]]) -> Reading:
    pieces = [parts[number, window.start] for window in document.windows]
    evidence, average, attended = (np.concatenate([piece[kind] for piece in pieces]) for kind in range(3))
    return Reading(TokenScores(evidence, average, attended), document.offsets, document.windows, document.cut)
