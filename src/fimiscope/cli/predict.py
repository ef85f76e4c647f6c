"""`fimiscope predict INPUT… --output FILE`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.cli.options import MODEL_HELP
from fimiscope.records import OUTCOMES
from fimiscope.shipped import READY

if TYPE_CHECKING:
    from fimiscope.codebook import Codebook
    from fimiscope.records import Verdict
    from fimiscope.tables import Table

SOME_FAILED = 3
MOST_SHOWN = 50


def predict_command(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for jsonl on standard input.")
    ],
    output: Annotated[Path, typer.Option("--output", help="Result file: .jsonl, .csv or .parquet.")],
    model: Annotated[str, typer.Option("--model", help=MODEL_HELP)] = READY,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Other people's column names: text=Body,title=Headline,published=Date."),
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="balanced, high-recall or high-precision.")] = "balanced",
    as_json: Annotated[bool, typer.Option("--json", help="Print the closing counts as one JSON object.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print a table of the flagged articles.")] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Log counts, languages and a sample of the flags to MLflow.")
    ] = False,
) -> None:
    """Score new articles; one verdict an article, in input order. Exit code 3 when some could not be read."""
    from fimiscope.cli.models import load_predictor
    from fimiscope.cli.options import column_names
    from fimiscope.cli.show import NOTICE, console, progress, show_table
    from fimiscope.predict.summary import BatchSummary
    from fimiscope.predict.writing import open_writer
    from fimiscope.reading import read_articles

    predictor = load_predictor(model, profile=profile)
    if log:
        # Before the scoring: it may take hours, and a store that is not there must be found out now.
        from fimiscope.tracking.store import connect

        connect()
    codebook = predictor.bundle.codebook
    passed_over: list[str] = []
    summary = BatchSummary()
    started = time.monotonic()
    flagged: list[Verdict] = []
    articles = read_articles(inputs, columns=column_names(columns), stdin=sys.stdin.buffer, passed_over=passed_over)
    with progress() as listen, open_writer(output, codebook) as writer:
        for number, verdict in enumerate(predictor.predict(articles), start=1):
            writer.write(verdict)
            summary.add(verdict)
            if verdict.flag and len(flagged) < MOST_SHOWN:
                flagged.append(verdict)
            listen("articles", number, 0)
    run_id = None
    if log:
        from fimiscope.tracking.batches import log_batch

        parameters = {"inputs": " ".join(inputs), "model": model, "columns": columns, "profile": profile}
        seconds = time.monotonic() - started
        run_id = log_batch(summary, predictor.bundle, output, seconds=seconds, parameters=parameters)
    outcomes = summary.outcomes
    if as_json:
        import json

        facts: dict[str, object] = {name: outcomes[name] for name in OUTCOMES}
        facts |= {"passed_over": len(passed_over), "output": str(output), "model": predictor.bundle.identity}
        if run_id:
            facts["run"] = run_id
        print(json.dumps(facts))
    else:
        out = console()
        if show:
            show_table(_flagged_table(flagged, codebook), to=out)
        show_table(_closing_table(outcomes), to=out)
        if passed_over:
            out.print(f"{len(passed_over)} files of other kinds were passed over, the first: {passed_over[0]}")
        out.print(f"{output} written by model {predictor.bundle.manifest.name}. {NOTICE}")
        if run_id:
            from fimiscope.tracking.store import how_to_open

            out.print(f"MLflow run  {run_id}")
            out.print(f"to inspect  {how_to_open()}", soft_wrap=True)
    if outcomes["failed"]:
        raise typer.Exit(SOME_FAILED)


def _closing_table(outcomes: Counter[str]) -> Table:
    from fimiscope.tables import Table

    meanings = {
        "flagged": "carries, reports on or rebuts a narrative, with Africa as a subject",
        "clear": "does not",
        "abstained": "the model cannot decide; the reason stands with each",
        "failed": "could not be read; the reason stands with each",
    }
    rows = tuple((name, outcomes[name], meaning) for name, meaning in meanings.items())
    return Table("Outcomes", ("outcome", "articles", "meaning"), rows)


def _flagged_table(verdicts: list[Verdict], codebook: Codebook) -> Table:
    from fimiscope.tables import Table

    names = {entry.code: entry.name.get("en", entry.code) for entry in codebook.narratives}
    rows = []
    for verdict in sorted(verdicts, key=lambda one: -(one.flag_probability or 0)):
        quote = next((e.text for e in verdict.evidence or () if e.head == "role"), "")
        rows.append(
            (
                verdict.id,
                verdict.role_label or "",
                "; ".join(names[code] for code in verdict.narratives_flagged or ()) or "–",
                f"{verdict.flag_probability:.2f}",
                " ".join(quote.split()),
            )
        )
    return Table("Flagged articles", ("article", "role", "narratives", "probability", "evidence"), tuple(rows))
