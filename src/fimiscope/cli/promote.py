"""`fimiscope promote RUN` and `fimiscope rollback`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

REFUSED = 1
Alias = Annotated[str, typer.Option("--alias", help="Alias of the version in use.")]
Why = Annotated[str, typer.Option("--why", help="Reason in words, kept with the version.")]


def promote_command(
    run: Annotated[str, typer.Argument(help="Id of a run of `fimiscope train`, its beginning, or its name.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Rules of your own (YAML); absent: those that come with fimiscope.")
    ] = None,
    alias: Alias = "champion",
    why: Why = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> None:
    """Make a run's model the champion if it holds by rules against the present one. Exit code 1 where it does not."""
    import json

    from fimiscope.cli.show import console, show_table
    from fimiscope.evaluation.comparison import Rules, findings_table
    from fimiscope.tracking.promotion import CHAMPION, previous_of, promote
    from fimiscope.tracking.registry import REGISTERED_NAME

    result = promote(run, Rules.load(rules), alias=alias, why=why, dry_run=dry_run)
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        out = console()
        show_table(findings_table(result.findings), to=out)
        former = "none" if result.former is None else f"models:/{REGISTERED_NAME}/{result.former}"
        if result.promoted:
            out.print(f"promoted    models:/{REGISTERED_NAME}/{result.version} is @{alias}; before: {former}")
            if result.former is not None:
                back = "fimiscope rollback" + (f" --alias {alias}" if alias != CHAMPION else "")
                out.print(f"            which is @{previous_of(alias)} now; to go back: {back}")
        elif result.refused:
            out.print(f"refused     a rule does not hold; @{alias} stays where it is: {former}")
        else:
            out.print(f"dry run     every rule holds; @{alias} stays where it is: {former}")
    if result.refused:
        raise typer.Exit(REFUSED)


def rollback_command(alias: Alias = "champion", why: Why = "") -> None:
    """Give the champion's alias back to the version that had it before."""
    from fimiscope.cli.show import console
    from fimiscope.tracking.promotion import previous_of, rollback
    from fimiscope.tracking.registry import REGISTERED_NAME

    done = rollback(alias=alias, why=why)
    console().print(
        f"rolled back  models:/{REGISTERED_NAME}/{done.version} is @{alias} again; version {done.withdrawn} is "
        f"@{previous_of(alias)}"
    )
