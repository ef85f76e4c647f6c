"""`fimiscope encoders`."""

from __future__ import annotations

from typing import Annotated

import typer


def encoders_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List encoder references: which resolve on this machine, and how to get the others."""
    from fimiscope.cli.show import console, show_table
    from fimiscope.tables import Table
    from fimiscope.training.encoders.references import known_references

    known = known_references()
    if as_json:
        import json

        print(json.dumps([{"reference": r.reference, "about": r.about, "here": r.here, "how": r.how} for r in known]))
        return
    rows = tuple((r.reference, "yes" if r.here else "no", r.about, "" if r.here else r.how) for r in known)
    show_table(Table("Encoders", ("reference", "here", "what it is", "how to get it"), rows), to=console())
