"""`fimiscope tune CONFIG`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.cli.options import Offline

if TYPE_CHECKING:
    from fimiscope.tuning import Study, Trial


def tune_command(
    config: Annotated[Path, typer.Argument(help="Config file with a section tuning, as configs/tune.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: tuning.trials=40. May be repeated.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0, help="After so many minutes no trial begins, in place of tuning.minutes; each call anew."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of studies; this one goes to OUTPUT/STUDY.")] = Path(
        "out/tuning"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print all trials as one JSON object.")] = False,
    offline: Offline = False,
) -> None:
    """Search the settings that a config leaves open, on its validation part; the same command goes on with a search."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.config import Config

    resolved = Config.load(config, overrides or [])

    # After the config is known to be sound: these take seconds to load.
    from fimiscope.tracking.store import how_to_open, use_local_store
    from fimiscope.tuning import tune

    if offline:
        use_local_store()
    out = console(stderr=as_json)

    def on_trial(trial: Trial) -> None:
        value = "" if trial.value is None else f"{trial.value:.4f}  "
        out.print(f"trial {trial.number}: {trial.state}  {value}{trial.settings}  ({trial.seconds:.0f} s)")

    try:
        with progress() as listen:
            study = tune(resolved, folder=output, minutes=minutes, progress=listen, on_trial=on_trial)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("the same command goes on with the study; the trial that ran is not counted") from stop
    if as_json:
        _print_json(study)
        return
    show_table(study.table(), to=out)
    if study.skipped:
        out.print(study.skipped)
    out.print(f"MLflow run  {study.run_id}")
    if study.best is None:
        out.print("no trial is complete: give more minutes")
    else:
        out.print(f"best        {study.best.settings}", soft_wrap=True)
        out.print(f"to train    fimiscope train {study.file}", soft_wrap=True)
    out.print(f"to inspect  {how_to_open()}", soft_wrap=True)


def _print_json(study: Study) -> None:
    import json
    from dataclasses import asdict

    document = asdict(study) | {"file": str(study.file)}
    print(json.dumps(document, ensure_ascii=False))
