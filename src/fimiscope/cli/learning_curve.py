"""`fimiscope learning-curve CONFIG`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.cli.options import Offline

if TYPE_CHECKING:
    from fimiscope.learning_curve import LearningCurve, Point


def learning_curve_command(
    config: Annotated[Path, typer.Argument(help="Config file, for example configs/baseline.yaml.")],
    shares: Annotated[
        list[float] | None,
        typer.Option("--share", help="Share of the training part; repeat for several. Absent: 0.125, 0.25, 0.5, 1."),
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Override one key. May be repeated.")] = None,
    models: Annotated[Path, typer.Option(help="Bundles are published as MODELS/NAME-share-SHARE.")] = Path("models"),
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON object.")] = False,
    offline: Offline = False,
) -> None:
    """Train a config on growing shares of its training part, and see what more texts would bring."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.config import Config

    resolved = Config.load(config, overrides or [])

    # After the config is known to be sound: these take seconds to load.
    from fimiscope.learning_curve import SHARES, learning_curve
    from fimiscope.tracking.store import use_local_store

    if offline:
        use_local_store()
    out = console(stderr=as_json)

    def on_point(point: Point) -> None:
        was_there = ", is there already, and was measured as it is" if point.reused else ""
        out.print(f"share {point.share:g}: {point.texts} texts{was_there}")

    try:
        with progress() as listen:
            curve = learning_curve(resolved, shares or SHARES, models=models, progress=listen, on_point=on_point)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("the same command goes on with the bundles that are there") from stop
    if as_json:
        _print_json(curve)
        return
    show_table(curve.table(), to=out)
    out.print(f"MLflow run  {curve.run_id}  (the shares' own runs stand below it)")


def _print_json(curve: LearningCurve) -> None:
    import json

    from fimiscope.evaluation.intervals import intervals

    points = [
        {
            "share": point.share,
            "texts": point.texts,
            "figures": {name: found.to_dict() for name, found in intervals(point.evaluation.judged).items()},
        }
        for point in curve.points
    ]
    print(json.dumps({"run_id": curve.run_id, "points": points}, ensure_ascii=False))
