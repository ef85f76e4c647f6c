"""One run of the benchmark: texts written, every row measured in a process of its own, tables and figures saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from benchmark import plots, texts
from benchmark.aims import Aim, aims
from benchmark.results import Measured
from benchmark.table import aims_table, rows_table, sizes_table
from fimiscope.bundle import files
from fimiscope.bundle.int8 import int8_graph

LIBRARIES = ("onnxruntime", "torch", "transformers", "tokenizers", "ray")
ALL_OF_STREAM = ("e", "e8")
RAY = "f"
INT8 = ("d", "e8")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        model: folder of the bundle.
        output: folder for tables, figures and numbers.
        rows: names of the rows, in the order in which they are measured.
        texts: articles that every row but the gated one scores: the first of the stream.
        stream: articles of the stream, all of which the gated row scores.
        sizes: articles of the runs that show time and memory, smallest first.
        most_minutes: what a row may take; one that would take longer scores fewer articles.
    """

    model: Path
    output: Path
    rows: tuple[str, ...]
    texts: int
    stream: int
    sizes: tuple[int, ...]
    most_minutes: float


@dataclass(slots=True)
class Results:
    """What was measured so far.

    Attributes:
        facts: of the machine, the model and the texts.
        threshold: of the flag.
        rows: by name.
        absent: why a row could not be measured, by name.
        failed: names of what ended with an error.
        sizes: smallest first.
    """

    facts: dict[str, str]
    threshold: float
    rows: dict[str, Measured] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    sizes: list[Measured] = field(default_factory=list)

    @property
    def aims(self) -> list[Aim]:
        return aims(self.rows, self.sizes, self.threshold)

    @property
    def report(self) -> str:
        """All tables, in Markdown."""
        parts = [rows_table(self.rows, self.absent, self.threshold)]
        if self.sizes:
            parts.append(sizes_table(self.sizes))
        parts += [aims_table(self.aims), "; ".join(f"{name}: {fact}" for name, fact in self.facts.items())]
        return "\n\n".join(parts) + "\n"

    def save(self, folder: Path) -> None:
        """Write numbers, tables and figures."""
        document = asdict(self) | {"aims": [asdict(aim) for aim in self.aims]}
        files.write_json(folder / "results.json", document)
        (folder / "table.md").write_text(self.report, encoding="utf-8")
        if self.rows:
            plots.speed(self.rows).savefig(folder / "speed.png", dpi=120)
        if self.sizes:
            plots.growth(self.sizes).savefig(folder / "growth.png", dpi=120)


def run(plan: Plan, say: Say) -> Results:
    """Measure everything; results are saved after every row.

    Raises:
        FimiscopeError: the texts are not there, or the int8 form cannot be made.
    """
    plan.output.mkdir(parents=True, exist_ok=True)
    pool = texts.open_pool()
    results = Results(_facts(plan.model, pool.about), _threshold(plan.model))
    if set(INT8) & set(plan.rows):
        # It is made where it is first used: that would count as the row's start-up and memory.
        int8_graph(plan.model / files.GRAPH, files.verify(plan.model).files[files.GRAPH]["sha256"])
    stream = plan.output / "stream.jsonl"
    texts.write(texts.mix(pool, max(plan.texts, plan.stream)), stream)
    for name in plan.rows:
        say(f"measuring {name} …")
        _add_row(results, name, plan, stream)
        results.save(plan.output)
    for articles in plan.sizes:
        say(f"measuring a run of {articles:,} short texts …")
        short = plan.output / "short.jsonl"
        texts.write(islice(texts.short_texts(pool), articles), short)
        found = _in_own_process(f"size-{articles}", "benchmark.sizes", plan, short)
        if found is None:
            results.failed.append(f"size-{articles}")
        else:
            results.sizes.append(Measured(**found))
        results.save(plan.output)
    return results


def _add_row(results: Results, name: str, plan: Plan, stream: Path) -> None:
    articles = plan.stream if name in ALL_OF_STREAM else plan.texts
    if name == RAY and "c" in results.rows:
        articles = results.rows["c"].articles
    options = ["--row", name, "--articles", str(articles), "--most-seconds", str(60 * plan.most_minutes)]
    found = _in_own_process(name, "benchmark.measure", plan, stream, *options)
    if found is None:
        results.failed.append(name)
        results.absent[name] = f"it ended with an error, which stands in {name}.log"
    elif "absent" in found:
        results.absent[name] = found["absent"]
    else:
        results.rows[name] = Measured(**found)


def _in_own_process(name: str, module: str, plan: Plan, stream: Path, *options: str) -> dict[str, Any] | None:
    """What the module measured, or `None` where it ended with an error."""
    output = plan.output / f"{name}.json"
    output.unlink(missing_ok=True)
    places = ("--model", str(plan.model), "--stream", str(stream), "--output", str(output))
    # Ray's workers look for this package too.
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    with (plan.output / f"{name}.log").open("w", encoding="utf-8") as log:
        subprocess.run(
            [sys.executable, "-m", module, *places, *options, "--began", str(time.monotonic())],
            env=os.environ | {"PYTHONPATH": path},
            stdout=log,
            stderr=log,
            check=False,
        )
    return json.loads(output.read_text(encoding="utf-8")) if output.is_file() else None


def _threshold(model: Path) -> float:
    decisions = files.read_json(model / files.DECISIONS)
    scorer = "blend" if "blend" in decisions else "encoder"
    return float(decisions[scorer]["flag"]["balanced"])


def _facts(model: Path, about: str) -> dict[str, str]:
    manifest = files.verify(model)
    return {
        "model": f"{manifest.name} {manifest.version}",
        "texts": about,
        "cores": str(len(os.sched_getaffinity(0))),
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
        "Python": sys.version.split()[0],
        **{name: version(name) for name in LIBRARIES},
    }
