"""`fimiscope predict INPUT… --output FILE`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.cli.options import MODEL_HELP
from fimiscope.shipped import READY

if TYPE_CHECKING:
    from fimiscope.codebook import Codebook
    from fimiscope.records import Verdict
    from fimiscope.tables import Table

SOME_FAILED = 3
MOST_SHOWN = 50
OUTCOMES = ("flagged", "clear", "abstained", "failed")


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
    no_gate: Annotated[
        bool, typer.Option("--no-gate", help="Score every article, also those that the gate would clear.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the closing counts as one JSON object.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print a table of the flagged articles.")] = False,
) -> None:
    """Score new articles; one verdict an article, in input order. Exit code 3 when some could not be read."""
    from fimiscope.cli.models import load_predictor
    from fimiscope.cli.options import column_names
    from fimiscope.cli.show import NOTICE, console, progress, show_table
    from fimiscope.predict.writing import open_writer
    from fimiscope.reading import read_articles

    predictor = load_predictor(model, profile=profile, gate=not no_gate)
    codebook = predictor.bundle.codebook
    passed_over: list[str] = []
    outcomes: Counter[str] = Counter()
    gated = 0
    flagged: list[Verdict] = []
    articles = read_articles(inputs, columns=column_names(columns), stdin=sys.stdin.buffer, passed_over=passed_over)
    with progress() as listen, open_writer(output, codebook) as writer:
        for number, verdict in enumerate(predictor.predict(articles), start=1):
            writer.write(verdict)
            outcomes[outcome_of(verdict)] += 1
            gated += verdict.gate
            if verdict.flag and len(flagged) < MOST_SHOWN:
                flagged.append(verdict)
            listen("articles", number, 0)
    if as_json:
        import json

        counts = {name: outcomes[name] for name in OUTCOMES}
        print(
            json.dumps(
                {
                    **counts,
                    "gated": gated,
                    "passed_over": len(passed_over),
                    "output": str(output),
                    "model": predictor.bundle.identity,
                }
            )
        )
    else:
        out = console()
        if show:
            show_table(_flagged_table(flagged, codebook), to=out)
        show_table(_closing_table(outcomes, gated), to=out)
        if passed_over:
            out.print(f"{len(passed_over)} files of other kinds were passed over, the first: {passed_over[0]}")
        out.print(f"{output} written by model {predictor.bundle.manifest.name}. {NOTICE}")
    if outcomes["failed"]:
        raise typer.Exit(SOME_FAILED)


def outcome_of(verdict: Verdict) -> str:
    """Which of `OUTCOMES` a verdict is."""
    if verdict.status != "scored":
        return verdict.status
    return "flagged" if verdict.flag else "clear"


def _closing_table(outcomes: Counter[str], gated: int) -> Table:
    from fimiscope.tables import Table

    meanings = {
        "flagged": "carries, reports on or rebuts a narrative, with Africa as a subject",
        "clear": f"does not; the gate cleared {gated} before the model read them" if gated else "does not",
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
