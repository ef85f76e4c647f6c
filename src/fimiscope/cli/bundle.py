"""`fimiscope bundle pack|unpack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fimiscope.cli.options import MODEL_HELP
from fimiscope.shipped import READY

app = typer.Typer(no_args_is_help=True, help="Carry a model to another machine as one file.")


@app.command("pack")
def pack_command(
    output: Annotated[Path, typer.Option("--output", help="File to write.")],
    model: Annotated[str, typer.Argument(help=MODEL_HELP)] = READY,
) -> None:
    """Write a bundle as one file that `fimiscope bundle unpack` checks and opens on a machine without internet."""
    from fimiscope.bundle.packing import pack
    from fimiscope.checksums import sha256_of_file
    from fimiscope.cli.models import bundle_folder
    from fimiscope.cli.show import console, progress

    with progress() as listen:
        manifest = pack(bundle_folder(model, progress=listen), output, progress=listen)
    size = output.stat().st_size / 1e6
    out = console()
    out.print(f"{output}: model {manifest.name}, version {manifest.version}, {size:.0f} MB", soft_wrap=True)
    out.print(f"sha256 {sha256_of_file(output)}", soft_wrap=True)


@app.command("unpack")
def unpack_command(
    file: Annotated[Path, typer.Argument(help="File that `fimiscope bundle pack` wrote.")],
    into: Annotated[Path, typer.Option("--into", help="Folder in which the bundle's folder is made.")] = Path("models"),
) -> None:
    """Open a packed bundle; nothing is kept unless every file is the one that was sealed."""
    from fimiscope.bundle.packing import unpack
    from fimiscope.cli.show import console, progress

    with progress() as listen:
        folder = unpack(file, into, progress=listen)
    console().print(f"{folder}: use it as  --model {folder}", soft_wrap=True)
