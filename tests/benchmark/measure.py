"""Measures one row, in a process of its own: `python -m benchmark.measure --row c …`."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark import own_rows, texts
from benchmark.memory import PeakMemory
from benchmark.results import Measured
from benchmark.row import WARM_UP, Absent, Row, Score
from fimiscope.records import Article

RAY = "f"


def _by_hand(folder: Path, scratch: Path) -> Row[Any]:
    from benchmark.torch_model import PipelineRow

    return PipelineRow(folder)


def _loop(folder: Path, scratch: Path) -> Row[Any]:
    from benchmark.torch_model import LoopRow

    return LoopRow(folder)


def _bare(folder: Path, scratch: Path) -> Row[Any]:
    return own_rows.BareRow(folder)


OPEN: dict[str, Callable[[Path, Path], Row[Any]]] = {
    "a": _by_hand,
    "b": _loop,
    "c": own_rows.open_fp32,
    "d": own_rows.open_int8,
    "e": own_rows.open_gated,
    "e8": own_rows.open_gated_int8,
    RAY: own_rows.open_ray,
    "bare": _bare,
}


def measure(row: str, model: Path, stream: Path, *, articles: int, most_seconds: float, began: float) -> Measured:
    """Open a row, warm it up, and score the first `articles` of a stream under the clock.

    Where that would take longer than `most_seconds`, as the warm-up lets expect, fewer are scored.
    Flagged articles that stand further on are scored after the clock has stopped, so that more flags are compared.

    Args:
        began: when this process was started, by `time.monotonic`.

    Raises:
        Absent: the row cannot be measured here.
    """
    with tempfile.TemporaryDirectory() as place:
        with PeakMemory() as memory:
            opened = OPEN[row](model, Path(place))
            start_up = time.monotonic() - began
            seconds, _ = _timed(opened, opened.prepare(texts.read(stream, 0, WARM_UP)))
            # What Ray's warm-up takes is the start of its workers, from which nothing follows.
            fitting = articles if row == RAY else int(most_seconds * WARM_UP / seconds)
            chosen = min(articles, max(WARM_UP, fitting))
            work = opened.prepare(texts.read(stream, 0, chosen))
            seconds, scores = _timed(opened, work)
        windows = opened.windows(work)
        if scores and (further := list(_relevant_after(stream, chosen))):
            scores += opened.score(opened.prepare(further))
    return Measured(
        row=row,
        articles=chosen,
        windows=windows,
        seconds=seconds,
        start_up=start_up,
        megabytes=memory.megabytes,
        scores={score.id: score.probability for score in scores},
        cleared=sum(score.cleared for score in scores),
    )


def _timed(row: Row[Any], work: Any) -> tuple[float, list[Score]]:
    began = time.monotonic()
    scores = row.score(work)
    return time.monotonic() - began, scores


def _relevant_after(stream: Path, first: int) -> Iterator[Article]:
    return (one for place, one in enumerate(texts.read(stream)) if place >= first and texts.is_relevant(place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", choices=OPEN, required=True)
    for name in ("model", "stream", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--articles", type=int, required=True)
    for name in ("most-seconds", "began"):
        parser.add_argument(f"--{name}", type=float, required=True)
    given = parser.parse_args()
    try:
        document = asdict(
            measure(
                given.row,
                given.model,
                given.stream,
                articles=given.articles,
                most_seconds=given.most_seconds,
                began=given.began,
            )
        )
    except Absent as why:
        document = {"row": given.row, "absent": str(why)}
    given.output.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
