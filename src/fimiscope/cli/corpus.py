"""`fimiscope corpus build|show|fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What a corpus is made of, and fetching real texts.")
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Override one key of the config.")]
ConfigFile = Annotated[Path, typer.Argument(help="Config file.")]


@app.command("show")
def show_command(config: ConfigFile, overrides: Overrides = None) -> None:
    """Print what the corpus of a config is made of, what was dropped, and why."""
    from fimiscope.cli.show import console, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config
    from fimiscope.corpus import corpus_tables
    from fimiscope.pipeline import load_corpus

    resolved = Config.load(config, overrides or [])
    corpus = load_corpus(resolved, Codebook.load(resolved.codebook))
    out = console()
    for table in corpus_tables(corpus):
        show_table(table, to=out)
    out.print(f"digest {corpus.digest}")


@app.command("build")
def build_command(
    config: ConfigFile,
    output: Annotated[Path, typer.Option("--output", help="Parquet file of the training table.")],
    overrides: Overrides = None,
) -> None:
    """Write the training table of a config, parts and labels included, as parquet."""
    from fimiscope.cli.show import console, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config
    from fimiscope.errors import OutputError

    if output.suffix != ".parquet":
        raise OutputError(f"--output {output}: give a file that ends in .parquet")
    resolved = Config.load(config, overrides or [])

    # After all that can be refused at once: these take seconds to load.
    from fimiscope.corpus import corpus_tables
    from fimiscope.pipeline import load_corpus

    corpus = load_corpus(resolved, Codebook.load(resolved.codebook))
    output.parent.mkdir(parents=True, exist_ok=True)
    corpus.table().to_parquet(str(output))
    out = console()
    show_table(corpus_tables(corpus)[0], to=out)
    out.print(f"{len(corpus.examples)} texts written to {output}; digest {corpus.digest}")


@app.command("fetch")
def fetch_command(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE...", help="Names from data/sources.yaml; none lists them.")
    ] = None,
    into: Annotated[
        Path, typer.Option("--into", help="Folder for the texts; name it in FIMISCOPE_TEXTS afterwards.")
    ] = Path("data/texts"),
) -> None:
    """Fetch real texts from the public repositories that data/sources.yaml names; checksums are verified."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.corpus.fetching import fetch, load_sources, sources_table

    out = console()
    if not sources:
        show_table(sources_table(load_sources()), to=out)
        return
    with progress() as listen:
        files = fetch(sources, into=into, progress=lambda stage: listen(stage, 0, 0))
    for file in files:
        out.print(f"{file}", soft_wrap=True)
    out.print(f"now set FIMISCOPE_TEXTS={into}")
