"""`fimiscope doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Say what works on this machine: packages, encoders, texts, tracking store, room on disk."""
    from fimiscope.cli.show import console, show_table
    from fimiscope.doctor import examine
    from fimiscope.tables import Table

    findings = examine()
    if as_json:
        import json

        print(json.dumps([{"what": f.what, "works": f.works, "found": f.found, "remedy": f.remedy} for f in findings]))
    else:
        rows = tuple((f.what, "yes" if f.works else "no", f.found, f.remedy) for f in findings)
        show_table(Table("What works here", ("what", "works", "found", "what to do"), rows), to=console())
