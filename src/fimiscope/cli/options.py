"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from fimiscope.errors import ConfigError

MODEL_HELP = "Bundle folder, models:/fimiscope@champion, runs:/<run id>, or the model that comes ready."
Offline = Annotated[
    bool, typer.Option("--offline", help="Log to mlflow.db in this folder, whatever MLFLOW_TRACKING_URI says.")
]


def column_names(option: str | None) -> dict[str, str]:
    """`text=Body,title=Headline` as a mapping from our field names to the user's column names."""
    names: dict[str, str] = {}
    for pair in (option or "").split(",") if option else []:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours.strip() or not theirs.strip():
            raise ConfigError(f"--columns {option}: expected ours=theirs pairs, for example text=Body,title=Headline")
        names[ours.strip()] = theirs.strip()
    return names
