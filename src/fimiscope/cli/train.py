"""`fimiscope train CONFIG`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fimiscope.cli.options import Offline

if TYPE_CHECKING:
    from rich.console import Console

    from fimiscope.pipeline import TrainedRun
    from fimiscope.seeds import Seeds


def train_command(
    config: Annotated[Path, typer.Argument(help="Config file, for example configs/quickstart.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: training.epochs=2. May be repeated.")
    ] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seed", min=0, help="Seed of training, in place of the config's; repeat to train several and their mean."
        ),
    ] = None,
    models: Annotated[Path, typer.Option(help="Folder in which the bundle is published.")] = Path("models"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Stop before training and estimate what it would cost.")
    ] = False,
    register: Annotated[
        bool, typer.Option("--register", help="Add a version to the registered model 'fimiscope'.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of an interrupted run.")] = False,
    offline: Offline = False,
) -> None:
    """Train a model by a config, log the run to MLflow, and publish its bundle."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config
    from fimiscope.errors import ConfigError

    started = time.monotonic()
    resolved = Config.load(config, [*(overrides or []), *(f"seed={seed}" for seed in (seeds or [])[:1])])
    several = seeds if seeds and len(seeds) > 1 else None
    if several and register:
        raise ConfigError("--register adds one model: give it one --seed")

    # After the config is known to be sound: these take seconds to load.
    from fimiscope.corpus import corpus_tables
    from fimiscope.pipeline import assist, load_corpus, train
    from fimiscope.seeds import train_seeds
    from fimiscope.tracking.store import connect, how_to_open, use_local_store
    from fimiscope.training.processes import is_main

    if not is_main() and not several:
        assist(resolved, models=models, resume=resume)
        return
    if offline:
        use_local_store()
    if not dry_run:
        # Before the corpus: a store that is not there must be found out now.
        connect()
    out = console()
    out.print(f"# resolved config of {config}", style="bold")
    out.print(resolved.to_yaml())
    codebook = Codebook.load(resolved.codebook)
    with progress() as listen:
        corpus = load_corpus(resolved, codebook, progress=listen)
    for table in corpus_tables(corpus)[:2]:
        show_table(table, to=out)
    if dry_run:
        from fimiscope.training.cost import cost_table

        show_table(cost_table(resolved, corpus, codebook), to=out)
        out.print("Dry run: nothing was trained.")
        return

    def on_epoch(number: int, figures: dict[str, float]) -> None:
        names = {
            "train loss": "train loss",
            "loss": "valid loss",
            "role/macro_f1_all": "role F1",
            "flag/pr_auc": "flag PR-AUC",
        }
        shown = "  ".join(f"{title} {figures[name]:.3f}" for name, title in names.items() if name in figures)
        out.print(f"epoch {number}: {shown}")

    with progress() as listen:
        how: dict[str, Any] = {"models": models, "resume": resume, "corpus": corpus}
        how |= {"progress": listen, "on_epoch": on_epoch}
        try:
            if several:
                _show_seeds(train_seeds(resolved, several, on_seed=lambda seed: out.print(f"seed {seed}"), **how), out)
            else:
                _show_run(train(resolved, register=register, **how), out)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("the same command with --resume goes on from the last checkpoint") from stop
    out.print(f"to inspect  {how_to_open()}", soft_wrap=True)
    out.print(f"took        {time.monotonic() - started:.0f} s")


def _show_run(run: TrainedRun, out: Console) -> None:
    from fimiscope.cli.show import show_table
    from fimiscope.tracking.registry import REGISTERED_NAME

    show_table(run.results, to=out)
    if run.contrast is not None:
        show_table(run.contrast, to=out)
    out.print(f"MLflow run  {run.run_id}")
    out.print("report      report.html among its artifacts")
    out.print(f"bundle      {run.folder}  (version {run.manifest.version})", soft_wrap=True)
    if run.registered:
        out.print(f"registered  models:/{REGISTERED_NAME}/{run.registered}")


def _show_seeds(seeds: Seeds, out: Console) -> None:
    from fimiscope.cli.show import show_table

    for seed in seeds.reused:
        out.print(f"seed {seed} is there already, and was measured as it is")
    show_table(seeds.table(), to=out)
    out.print(f"MLflow run  {seeds.run_id}  (the seeds' own runs stand below it)")
    out.print(f"bundles     {', '.join(map(str, seeds.folders))}", soft_wrap=True)
