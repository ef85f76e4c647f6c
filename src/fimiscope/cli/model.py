"""`fimiscope model build-ready` and `fimiscope model register`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fimiscope.shipped import READY

app = typer.Typer(no_args_is_help=True, help="Make the ready model anew, and register models with MLflow.")


@app.command("register")
def register_command(
    model: Annotated[str, typer.Argument(help="Bundle folder, or the model that comes ready.")] = READY,
) -> None:
    """Add a bundle to MLflow as a version of the registered model 'fimiscope', to be served or named by an alias."""
    from fimiscope.cli.models import bundle_folder
    from fimiscope.cli.show import console, progress
    from fimiscope.tracking.registry import register_bundle

    with progress() as listen:
        registered = register_bundle(bundle_folder(model, progress=listen))
    out = console()
    out.print(f"registered  {registered}")
    out.print(f"to serve    mlflow models serve -m {registered} --env-manager local --port 5001", soft_wrap=True)


@app.command("build-ready")
def build_ready_command(
    config: Annotated[Path, typer.Argument(help="Its config.")] = Path("configs/africa-small.yaml"),
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Override one key of the config.")] = None,
    card: Annotated[Path, typer.Option("--card", help="Its model card.")] = Path("docs/africa-small.md"),
    models: Annotated[Path, typer.Option(help="Folder in which the trained bundle is published.")] = Path("models"),
    output: Annotated[Path, typer.Option("--output", help="Folder of the delta.")] = Path("data/ready/africa-small"),
) -> None:
    """Train the ready model and write what it adds to the packaged encoder: the files that the package ships."""
    from fimiscope.cli.show import console, progress
    from fimiscope.config import Config

    resolved = Config.load(config, overrides or [])

    # After the config is known to be sound: these take seconds to load.
    from fimiscope.readying import make_ready

    with progress() as listen:
        made = make_ready(resolved, output, models=models, card=card, progress=listen)
    out = console()
    out.print(f"{made.folder}: {made.size / 1e6:.2f} MB, with the adapters that it stands on", soft_wrap=True)
    out.print(f"built from it, {made.texts} validation texts score alike: largest difference {made.difference:.1g}")
