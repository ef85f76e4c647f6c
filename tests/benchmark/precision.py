"""What the int8 form of an encoder saves and what it changes: `python tests/benchmark/precision.py --data CONFIG`.

Both forms score the same articles, 32 at a time in turn, so that other work on the machine slows both alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fimiscope import Article, Predictor, Verdict
from fimiscope.bundle import files
from fimiscope.bundle.bundle import PRECISIONS
from fimiscope.bundle.int8 import int8_graph
from fimiscope.cli.show import show_table
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.evaluation.contrast import Contrast, contrast_table
from fimiscope.evaluation.evaluate import Evaluation
from fimiscope.evaluation.suite import Suite
from fimiscope.pipeline import load_corpus
from fimiscope.ready import ready_bundle
from fimiscope.tables import Table

AT_A_TIME = 32
TOLERANCE = 0.005


@dataclass(slots=True)
class Form:
    """One form of the model: its graph's size in bytes, and what scoring took, in seconds."""

    name: str
    predictor: Predictor
    size: int
    wall: float = 0.0
    processor: float = 0.0
    verdicts: list[Verdict] = field(default_factory=list)

    def score(self, articles: Sequence[Article]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        self.verdicts += self.predictor.predict(articles)
        self.wall += time.perf_counter() - wall
        self.processor += time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="bundle folder; the ready model when absent")
    parser.add_argument("--data", required=True, help="config whose held-out part is scored")
    given = parser.parse_args()
    model = given.model or ready_bundle()
    codebook = Codebook.load()
    examples = load_corpus(Config.load(given.data), codebook).part("test")
    forms = _forms(model)
    score_in_turn(forms, [example.labelled_article() for example in examples])
    show_table(cost_table(forms))
    show_table(_agreement(forms))
    evaluations = [Evaluation.of(form.name, examples, form.verdicts, codebook) for form in forms]
    show_table(_metrics([evaluation.metrics for evaluation in evaluations], "Metrics on the held-out part"))

    suite = Suite.load(codebook)
    forms = _forms(model)
    score_in_turn(forms, [example.article for example in suite.examples])
    contrasts = [Contrast.of(form.name, suite, form.verdicts, codebook) for form in forms]
    show_table(contrast_table(contrasts))
    show_table(_agreement(forms))


def _forms(model: Path) -> list[Form]:
    graph = model / files.GRAPH
    small = int8_graph(graph, files.verify(model).files[files.GRAPH]["sha256"])
    sizes = {"fp32": graph.stat().st_size, "int8": small.stat().st_size}
    return [Form(name, Predictor.load(model, precision=name, gate=False), sizes[name]) for name in PRECISIONS]


def score_in_turn(forms: Sequence[Form], articles: Sequence[Article]) -> None:
    """Have every form score the articles."""
    for start in range(0, len(articles), AT_A_TIME):
        for form in forms:
            form.score(articles[start : start + AT_A_TIME])


def cost_table(forms: Sequence[Form]) -> Table:
    """Size and time of each form."""
    rows = tuple(
        (
            form.name,
            f"{form.size / 1e6:.0f}",
            f"{len(form.verdicts) / form.wall:.1f}",
            f"{1000 * form.processor / len(form.verdicts):.0f}",
        )
        for form in forms
    )
    return Table("Cost", ("form", "graph, MB", "articles/s", "processor ms/article"), rows)


def _agreement(forms: Sequence[Form]) -> Table:
    first, rows = forms[0], []
    for form in forms[1:]:
        pairs = [(a, b) for a, b in zip(first.verdicts, form.verdicts, strict=True) if a.role is not None]
        apart = [np.abs(np.subtract(_probabilities(a), _probabilities(b))) for a, b in pairs]
        flags = [abs((a.flag_probability or 0) - (b.flag_probability or 0)) for a, b in pairs]
        rows.append(
            (
                form.name,
                f"{sum(a.flag == b.flag for a, b in pairs)}/{len(pairs)}",
                f"{sum(a.role_label == b.role_label for a, b in pairs)}/{len(pairs)}",
                f"{sum(a.narratives_flagged == b.narratives_flagged for a, b in pairs)}/{len(pairs)}",
                f"{np.mean(flags):.4f}",
                f"{np.max(flags):.3f}",
                f"{np.mean(apart):.4f}",
                f"{np.max(apart):.3f}",
            )
        )
    columns = ("form", "same flag", "same role", "same narratives", "flag: mean", "most", "all: mean", "most")
    return Table("Agreement with fp32; differences of probabilities", columns, tuple(rows))


def _probabilities(verdict: Verdict) -> list[float]:
    parts = (verdict.role, verdict.actors, verdict.narratives)
    return [value for part in parts for value in (part or {}).values()] + [verdict.africa or 0.0]


def _metrics(given: Sequence[dict[str, float]], title: str) -> Table:
    first, *others = given
    rows = []
    for name in first:
        changes = [other[name] - first[name] for other in others if name in other]
        mark = " *" if any(abs(change) >= TOLERANCE for change in changes) else ""
        rows.append((name, f"{first[name]:.4f}", *(f"{change:+.4f}" for change in changes), mark))
    note = f"* changed by {TOLERANCE} or more"
    return Table(
        title, ("figure", PRECISIONS[0], *(f"{name} − fp32" for name in PRECISIONS[1:]), ""), tuple(rows), note
    )


if __name__ == "__main__":
    main()
