"""`fimiscope cross-validate CONFIG…`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fimiscope.cli.options import Offline

if TYPE_CHECKING:
    from fimiscope.cross_validation import FoldResult


def cross_validate_command(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="Configs with an annotated source.")],
    folds: Annotated[
        list[str] | None,
        typer.Option("--fold", help="Name or file of a fold; repeat for several. Absent: all that do not leak."),
    ] = None,
    baselines: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            help="Measure zero-shot, setfit or single-head too, read by the first config with an encoder; repeatable.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key of every config. May be repeated.")
    ] = None,
    models: Annotated[Path, typer.Option(help="Bundles are published as MODELS/FOLD/NAME.")] = Path("models"),
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON object.")] = False,
    offline: Offline = False,
) -> None:
    """Train configs on each fold, and compare them and the shortcuts on sources, accounts and dates never seen."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.config import Config

    resolved = [Config.load(config, overrides or []) for config in configs]

    # After the configs are known to be sound: these take seconds to load.
    from fimiscope.cross_validation import cross_validate, mean_table
    from fimiscope.evaluation.evaluate import paired_table, results_table
    from fimiscope.tracking.store import use_local_store

    if offline:
        use_local_store()
    out = console(stderr=as_json)
    results: list[FoldResult] = []
    try:
        with progress() as listen:
            for result in cross_validate(
                resolved, folds or (), baselines=baselines or (), models=models, progress=listen
            ):
                results.append(result)
                for name in result.reused:
                    out.print(f"fold {result.fold}: {name} is there already, and was measured as it is")
                if as_json:
                    continue
                title = f"Fold {result.fold}: {result.texts} texts, tested on alone"
                show_table(results_table(result.rows, title=title), to=out)
                if len(result.paired) > 1:
                    show_table(paired_table(result.paired), to=out)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("the same command goes on with the bundles that are there") from stop
    if as_json:
        _print_json(results)
        return
    show_table(mean_table(results), to=out)


def _print_json(results: list[FoldResult]) -> None:
    import json

    from fimiscope.cross_validation import fold_means
    from fimiscope.evaluation.intervals import differences, intervals

    folds: dict[str, Any] = {}
    for result in results:
        first, *others = result.paired
        folds[result.fold] = {
            "texts": result.texts,
            "rows": {
                one.name: {name: found.to_dict() for name, found in intervals(one.judged).items()}
                for one in result.rows
            },
            "differences": {
                f"{first.name} − {other.name}": {
                    name: found.interval.to_dict() | {"p": found.p}
                    for name, found in differences(first.judged, other.judged).items()
                }
                for other in others
            },
        }
    overall = {
        row: {
            kind: {name: {"mean": mean.value, "folds": mean.count} for name, mean in figures.items()}
            for kind, figures in kinds.items()
        }
        for row, kinds in fold_means(results).items()
    }
    print(json.dumps({"folds": folds, "means": overall}, ensure_ascii=False))
