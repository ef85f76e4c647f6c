"""`fimiscope compare RUN RUN`."""

from __future__ import annotations

from typing import Annotated

import typer

_SHOWN = 20


def compare_command(
    first: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or its name.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="The run to compare it with.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures and flips as one JSON object.")] = False,
) -> None:
    """Compare two runs on the articles that both were measured on: is one better, and what flipped?"""
    from fimiscope.cli.show import NOTICE, console, show_table
    from fimiscope.tracking.comparing import compare_runs

    found = compare_runs(first, second)
    if as_json:
        import json

        print(json.dumps(found.to_dict(), ensure_ascii=False))
        return
    out = console()
    show_table(found.difference_table(), to=out)
    show_table(found.flip_table(_SHOWN), to=out)
    out.print(found.sentence, soft_wrap=True)
    out.print(NOTICE, soft_wrap=True)
