"""`fimiscope predict INPUT… --output FILE`."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.cli.options import MODEL_HELP, Offline
from fimiscope.errors import ConfigError
from fimiscope.shipped import READY

if TYPE_CHECKING:
    from fimiscope.codebook import Codebook
    from fimiscope.predict import Predictor
    from fimiscope.predict.summary import BatchSummary
    from fimiscope.records import Verdict
    from fimiscope.tables import Table

SOME_FAILED = 3


class EngineName(StrEnum):
    local = "local"
    ray = "ray"


def predict_command(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for jsonl on standard input.")
    ],
    output: Annotated[
        Path, typer.Option("--output", help="Result file: .jsonl, .csv or .parquet; for people .html or .xlsx.")
    ],
    model: Annotated[str, typer.Option("--model", help=MODEL_HELP)] = READY,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Other people's column names: text=Body,title=Headline,published=Date."),
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="balanced, high-recall or high-precision.")] = "balanced",
    no_gate: Annotated[
        bool, typer.Option("--no-gate", help="Score every article, also those that the gate would clear.")
    ] = False,
    precision: Annotated[
        str, typer.Option("--precision", help="fp32, or int8: faster, with scores that differ a little.")
    ] = "fp32",
    device: Annotated[str, typer.Option("--device", help="cpu, or cuda with onnxruntime-gpu.")] = "cpu",
    engine: Annotated[
        EngineName, typer.Option("--engine", help="Where articles are scored: in this process, or on a Ray cluster.")
    ] = EngineName.local,
    address: Annotated[
        str | None, typer.Option("--address", help="Ray cluster to use; absent: one of this machine's cores.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Ray workers; absent: as many as the cluster has cores.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print progress and closing counts as JSON, one event a line.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Print a table of flagged articles, at most 50.")] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Log counts, languages and a sample of the flags to MLflow.")
    ] = False,
    offline: Offline = False,
) -> None:
    """Score new articles; one verdict an article, in input order. Exit code 3 when some could not be read."""
    from fimiscope.cli.bulk import Report
    from fimiscope.cli.models import predictor_loader
    from fimiscope.cli.options import column_names
    from fimiscope.predict.bulk import Engine, LocalEngine, predict_in_bulk
    from fimiscope.predict.summary import BatchSummary
    from fimiscope.reading import Position, read_articles

    if engine is EngineName.local and (address or workers):
        raise ConfigError("--address and --workers belong to --engine ray")
    if engine is EngineName.ray and device != "cpu":
        raise ConfigError("--engine ray scores on processor cores: leave --device out, or use --engine local")
    if offline:
        from fimiscope.tracking.store import use_local_store

        use_local_store()
    load = predictor_loader(model, profile=profile, gate=not no_gate, precision=precision, device=device)
    predictor = load()
    if log:
        # Before the scoring: it may take hours, and a store that is not there must be found out now.
        from fimiscope.tracking.store import connect

        connect()
    passed_over: list[str] = []
    summary = BatchSummary(gate=predictor.gated)
    position = Position()
    names, stdin = column_names(columns), sys.stdin.buffer
    articles = read_articles(inputs, columns=names, stdin=stdin, passed_over=passed_over, position=position)
    scores: Engine = LocalEngine(predictor)
    try:
        with Report(as_json=as_json) as report:
            if engine is EngineName.ray:
                from fimiscope.predict.ray_engine import RayEngine

                codebook = predictor.bundle.codebook
                scores = RayEngine(partial(load, threads=1), codebook, address=address, workers=workers)
            end = predict_in_bulk(
                predictor, articles, output, engine=scores, position=position, listen=report, each=summary.add
            )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("the same command goes on from here") from stop
    run_id = None
    if log:
        from fimiscope.tracking.batches import log_batch

        parameters = {
            "inputs": " ".join(inputs),
            "columns": columns,
            "model": model,
            **{name: predictor.job[name] for name in ("profile", "gate", "precision", "device")},
            "engine": engine.value,
        }
        run_id = log_batch(summary, predictor.bundle, output, standing=end, parameters=parameters)
    if as_json:
        run = {"run": run_id} if run_id else {}
        facts = {"passed_over": len(passed_over), "output": str(output), "model": predictor.bundle.identity, **run}
        report.end(end, **facts)
    else:
        _show(summary, predictor, output, flagged=show, passed_over=passed_over, run_id=run_id)
    if end.counts["failed"]:
        raise typer.Exit(SOME_FAILED)


def _show(
    summary: BatchSummary,
    predictor: Predictor,
    output: Path,
    *,
    flagged: bool,
    passed_over: list[str],
    run_id: str | None,
) -> None:
    from fimiscope.cli.show import NOTICE, console, show_table

    out = console()
    if flagged:
        show_table(_flagged_table(summary.samples, predictor.bundle.codebook), to=out)
    show_table(_closing_table(summary), to=out)
    if passed_over:
        out.print(f"{len(passed_over)} files of other kinds were passed over, the first: {passed_over[0]}")
    out.print(f"{output} written by model {predictor.bundle.manifest.name}. {NOTICE}")
    if run_id:
        from fimiscope.tracking.store import how_to_open

        out.print(f"MLflow run  {run_id}")
        out.print(f"to inspect  {how_to_open()}", soft_wrap=True)


def _closing_table(summary: BatchSummary) -> Table:
    from fimiscope.tables import Table

    gated = f"; the gate cleared {summary.gated} before the model read them" if summary.gated else ""
    meanings = {
        "flagged": "carries, reports on or rebuts a narrative, with Africa as a subject",
        "clear": f"does not{gated}",
        "abstained": "the model cannot decide; the reason stands with each",
        "failed": "could not be read; the reason stands with each",
    }
    rows = tuple((name, summary.outcomes[name], meaning) for name, meaning in meanings.items())
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
