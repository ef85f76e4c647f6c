"""What a smaller vocabulary saves and loses: `PYTHONPATH=tests python -m benchmark.vocabulary --model FOLDER`.

Word pieces that no training text of the bundle's own config uses are taken out of its tokenizer and its graph; single
characters stay, so that every word can still be spelled. Its heads saw all other pieces, and stay as they are.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.precision import Form, cost_table, score_in_turn
from fimiscope import Predictor
from fimiscope.bundle import files
from fimiscope.cli.show import show_table
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.evaluation.evaluate import Evaluation, paired_table, results_table
from fimiscope.pipeline import load_corpus
from fimiscope.tables import Table

UNKNOWN = 3
"""Pieces up to this one have meanings of their own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="bundle folder")
    given = parser.parse_args()
    config = Config.load(given.model / files.CONFIG)
    codebook = Codebook.load(config.codebook)
    corpus = load_corpus(config, codebook)
    whole = Form("whole", Predictor.load(given.model, gate=False), (given.model / files.GRAPH).stat().st_size)
    used = _pieces(whole.predictor, corpus.part("train"))
    examples = corpus.part("test")
    with TemporaryDirectory() as folder:
        draft = Path(folder) / given.model.name
        kept = _trim(given.model, draft, used)
        trimmed = Form("trimmed", Predictor.load(draft, gate=False), (draft / files.GRAPH).stat().st_size)
        score_in_turn([whole, trimmed], [example.labelled_article() for example in examples])
    show_table(_pieces_table(whole.predictor, examples, kept))
    show_table(cost_table([whole, trimmed]))
    evaluations = [Evaluation.of(form.name, examples, form.verdicts, codebook) for form in (whole, trimmed)]
    show_table(results_table(evaluations))
    show_table(paired_table(evaluations))


def _pieces(predictor: Predictor, examples: Sequence[Example]) -> list[int]:
    """Number of every piece in every window of the texts."""
    encoder = predictor.bundle.encoder
    assert encoder is not None
    documents = encoder.cut([example.document().text for example in examples])
    return [piece for document in documents for window in document.windows for piece in window.ids]


def _trim(model: Path, draft: Path, used: Sequence[int]) -> set[int]:
    """Write the bundle with a smaller vocabulary as `draft`; the pieces that it keeps, by their former numbers."""
    import onnx
    from onnx import numpy_helper

    shutil.copytree(model, draft)
    tokenizer = json.loads((model / files.TOKENIZER).read_text(encoding="utf-8"))
    pieces = tokenizer["model"]["vocab"]
    letters = {number for number, (piece, _) in enumerate(pieces) if len(piece.removeprefix("▁")) <= 1}
    kept = sorted({*range(UNKNOWN + 1), *letters, *used})
    tokenizer["model"]["vocab"] = [pieces[number] for number in kept]
    (draft / files.TOKENIZER).write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")

    place = {number: at for at, number in enumerate(kept)}
    windows = files.read_json(model / files.WINDOWS)
    for key in ("before", "after"):
        windows[key] = [place[number] for number in windows[key]]
    files.write_json(draft / files.WINDOWS, windows)

    graph = onnx.load(str(model / files.GRAPH))
    for one in graph.graph.initializer:
        if len(one.dims) == 2 and one.dims[0] >= len(pieces):
            one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one)[np.array(kept)].copy(), one.name))
    onnx.save_model(graph, str(draft / files.GRAPH))
    manifest = files.verify(model)
    files.seal(draft, **{name: getattr(manifest, name) for name in files.FACTS})
    return set(kept)


def _pieces_table(predictor: Predictor, examples: Sequence[Example], kept: set[int]) -> Table:
    rows = []
    for language in sorted({example.article.language or "unknown" for example in examples}):
        mine = [example for example in examples if (example.article.language or "unknown") == language]
        pieces = _pieces(predictor, mine)
        lost = sum(piece not in kept for piece in pieces)
        rows.append((language, len(mine), len(pieces), f"{100 * lost / len(pieces):.2f} %"))
    title = f"Pieces of the held-out texts that are not among the {len(kept):,} kept"
    return Table(title, ("language", "texts", "pieces", "lost"), tuple(rows))


if __name__ == "__main__":
    main()
