"""Measures one bulk run of many short texts, in a process of its own: `python -m benchmark.sizes …`.

The word model scores, because the encoder would take hours for the same way through the house: what is looked at is
reading, cutting into parts, remembering texts, storing and writing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import deque
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from benchmark.memory import PeakMemory
from benchmark.results import Measured
from benchmark.row import WARM_UP
from fimiscope.predict import Predictor
from fimiscope.predict.bulk import predict_in_bulk
from fimiscope.reading import read_articles


def measure(model: Path, stream: Path, *, began: float) -> Measured:
    """Score all articles of a file.

    Args:
        began: when this process was started, by `time.monotonic`.
    """
    with tempfile.TemporaryDirectory() as place, PeakMemory() as memory:
        predictor = Predictor.load(model, scorer="lexical")
        opened = time.monotonic()
        # What is loaded at first use is no part of the growth.
        deque(predictor.predict(islice(read_articles([stream]), WARM_UP)), maxlen=0)
        warm = time.monotonic()
        end = predict_in_bulk(predictor, read_articles([stream]), Path(place) / "output.jsonl")
        seconds = time.monotonic() - warm
    return Measured(
        row="lexical",
        articles=end.articles,
        windows=0,
        seconds=seconds,
        start_up=opened - began,
        megabytes=memory.megabytes,
        scores={},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "stream", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--began", type=float, required=True)
    given = parser.parse_args()
    found = measure(given.model, given.stream, began=given.began)
    given.output.write_text(json.dumps(asdict(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
