"""`fimiscope gate fit INPUT…`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The cheap first stage that clears what is surely irrelevant.")


@app.callback()
def _commands() -> None:
    """The cheap first stage that clears what is surely irrelevant."""


@app.command("fit")
def fit_command(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Unlabelled texts: files, folders, globs, or - for jsonl.")
    ],
    model: Annotated[Path, typer.Option("--model", help="Bundle folder, which gets the gate.")],
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Other people's column names: text=Body,title=Headline,published=Date."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON object.")] = False,
) -> None:
    """Score texts with the full model, fit a gate that keeps its flags, log both to MLflow, and add it to the bundle.

    An interrupted call goes on where it stopped.
    """
    from fimiscope.cli.options import column_names
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.gating import fit_and_log, tables
    from fimiscope.tracking.store import how_to_open

    try:
        with progress() as listen:
            report, run_id = fit_and_log(
                model, inputs, columns=column_names(columns), stdin=sys.stdin.buffer, progress=listen
            )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("the same command goes on with the texts that are scored") from stop
    if as_json:
        import json
        from dataclasses import asdict

        print(json.dumps({**asdict(report), "folder": str(report.folder), "run": run_id}, ensure_ascii=False))
        return
    out = console()
    for table in tables(report):
        show_table(table, to=out)
    if report.failed:
        out.print(f"{report.failed} texts could not be read or judged, and were left out")
    out.print(f"MLflow run  {run_id}")
    out.print(f"bundle      {report.folder}  (version {report.version})", soft_wrap=True)
    out.print(f"to inspect  {how_to_open()}", soft_wrap=True)
