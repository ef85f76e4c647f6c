"""`fimiscope runs`."""

from __future__ import annotations

from typing import Annotated

import typer


def runs_command(
    experiment: Annotated[str, typer.Option(help="MLflow experiment.")] = "fimiscope",
    by: Annotated[
        str, typer.Option("--by", help="Metric to sort by: role/macro_f1, valid/loss, test/language/fr/flag/f1 …")
    ] = "flag/pr_auc",
    limit: Annotated[int, typer.Option(min=1, max=50_000, help="Runs shown.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a run, with all its figures.")] = False,
) -> None:
    """List the runs of the MLflow store, best first."""
    from fimiscope.cli.show import NOTICE, console, show_table
    from fimiscope.tracking.listing import list_runs, run_table
    from fimiscope.tracking.store import how_to_open

    found = list_runs(experiment, by=by, limit=limit)
    if as_json:
        import json

        for run in found:
            print(json.dumps(run.to_dict(), ensure_ascii=False))
        return
    out = console()
    show_table(run_table(found, by=by), to=out)
    out.print(f"to inspect  {how_to_open()}", soft_wrap=True)
    out.print(NOTICE, soft_wrap=True)
