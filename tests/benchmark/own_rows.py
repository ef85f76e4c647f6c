"""Our own ways of scoring, all as `fimiscope predict` runs them: from a file, into a file."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from benchmark import texts
from benchmark.row import Absent, Score
from fimiscope.bundle import files
from fimiscope.bundle.bundle import Precision
from fimiscope.bundle.document import Document
from fimiscope.bundle.windows import Window, WindowLayout, cut_windows, pad_windows
from fimiscope.predict import Predictor
from fimiscope.predict.bulk import Engine, LocalEngine, predict_in_bulk
from fimiscope.reading import legibility_fault, read_articles
from fimiscope.records import Article, Verdict

RAY_WORKERS = 2
BATCH_TOKENS = 4096
Batch = list[Window]


class BulkRow:
    """(c) to (f): the bulk engine, whatever predictor and engine it has."""

    def __init__(self, folder: Path, scratch: Path, predictor: Predictor, engine: Engine | None = None) -> None:
        self._folder = folder
        self._scratch = scratch
        self._predictor = predictor
        self._engine = engine or LocalEngine(predictor)
        self._cleared: set[str] = set()

    def prepare(self, articles: Iterable[Article]) -> Path:
        path = self._scratch / "input.jsonl"
        texts.write(articles, path)
        return path

    def score(self, work: Path) -> list[Score]:
        scores: list[Score] = []

        def keep(verdict: Verdict) -> None:
            scores.append(Score(verdict.id, verdict.flag_probability, bool(verdict.gate)))

        output = self._scratch / "output.jsonl"
        predict_in_bulk(self._predictor, read_articles([work]), output, engine=self._engine, each=keep)
        self._cleared = {score.id for score in scores if score.cleared}
        return scores

    def windows(self, work: Path) -> int:
        return len(windows_of(self._folder, (one for one in texts.read(work) if one.id not in self._cleared)))


class BareRow:
    """What (c) can come near to: onnxruntime in a loop over windows that are cut and sorted before the clock runs."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        self._folder = folder
        self._pad = _layout(folder).pad
        self._session = onnxruntime.InferenceSession(str(folder / files.GRAPH), providers=["CPUExecutionProvider"])

    def prepare(self, articles: Iterable[Article]) -> list[dict[str, Any]]:
        padded = (pad_windows(batch, self._pad) for batch in _batches(windows_of(self._folder, articles)))
        return [{"ids": ids, "mask": mask} for ids, mask in padded]

    def score(self, work: list[dict[str, Any]]) -> list[Score]:
        for batch in work:
            self._session.run(None, batch)
        return []

    def windows(self, work: list[dict[str, Any]]) -> int:
        return sum(len(batch["ids"]) for batch in work)


def open_fp32(folder: Path, scratch: Path) -> BulkRow:
    """(c) Every article, in full precision."""
    return BulkRow(folder, scratch, Predictor.load(folder, gate=False))


def open_int8(folder: Path, scratch: Path) -> BulkRow:
    """(d) Every article, in whole numbers of 8 bits."""
    return BulkRow(folder, scratch, Predictor.load(folder, gate=False, precision="int8"))


def open_gated(folder: Path, scratch: Path) -> BulkRow:
    """(e) As `fimiscope predict` runs by itself: what the gate clears is not read by the encoder."""
    return _gated(folder, scratch, "fp32")


def open_gated_int8(folder: Path, scratch: Path) -> BulkRow:
    """(e8) The same, and what is read is read in int8."""
    return _gated(folder, scratch, "int8")


def _gated(folder: Path, scratch: Path, precision: Precision) -> BulkRow:
    predictor = Predictor.load(folder, precision=precision)
    if not predictor.gated:
        raise Absent("this model has no gate")
    return BulkRow(folder, scratch, predictor)


def open_ray(folder: Path, scratch: Path) -> BulkRow:
    """(f) As (c), on a cluster of this machine with two workers of one core each."""
    from fimiscope.predict.ray_engine import RayEngine

    predictor = Predictor.load(folder, gate=False)
    load = partial(Predictor.load, folder, gate=False, threads=1)
    return BulkRow(folder, scratch, predictor, RayEngine(load, predictor.bundle.codebook, workers=RAY_WORKERS))


def windows_of(folder: Path, articles: Iterable[Article]) -> list[Window]:
    """The windows that the encoder reads of these articles."""
    from tokenizers import Tokenizer

    tokenizer, layout = Tokenizer.from_file(str(folder / files.TOKENIZER)), _layout(folder)
    documents = (Document.of(article).text for article in articles)
    legible = (text for text in documents if legibility_fault(text) is None)
    return [window for text in legible for window in cut_windows(text, tokenizer, layout).windows]


def _batches(windows: list[Window]) -> list[Batch]:
    """Windows of like length together, `BATCH_TOKENS` padded tokens at most in a batch."""
    batches: list[Batch] = []
    for window in sorted(windows, key=lambda one: len(one.ids)):
        if not batches or (len(batches[-1]) + 1) * len(window.ids) > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(window)
    return batches


def _layout(folder: Path) -> WindowLayout:
    return WindowLayout.from_dict(files.read_json(folder / files.WINDOWS))
