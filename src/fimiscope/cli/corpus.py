"""`fimiscope corpus build|show|folds|audit|balance|fetch`."""

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
    from fimiscope.output_files import one_line
    from fimiscope.pipeline import load_corpus

    corpus = load_corpus(resolved, Codebook.load(resolved.codebook))
    with one_line(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        corpus.table().to_parquet(str(output))
    out = console()
    show_table(corpus_tables(corpus)[0], to=out)
    out.print(f"{len(corpus.examples)} texts written to {output}; digest {corpus.digest}")


@app.command("folds")
def folds_command(
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Make the files anew in this folder, from annotations and texts: minutes."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print folds and counts as one JSON object.")] = False,
) -> None:
    """List the fixed folds of the annotated texts: what each tests on, its counts and its digest."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.corpus.annotated import read_annotations
    from fimiscope.corpus.folds import count_parts, fold_names, fold_tables, read_fold

    codebook, annotations = Codebook.load(), read_annotations()
    if write is None:
        folds = tuple(read_fold(name, annotations) for name in fold_names())
    else:
        from fimiscope.folding import make_folds

        with progress() as listen:
            folds = make_folds(codebook, progress=listen)
        for fold in folds:
            fold.write(write, annotations)
    if as_json:
        import json
        from dataclasses import asdict

        document = {
            fold.name: {
                "holds_out": fold.holds_out,
                "digest": fold.digest,
                "parts": [asdict(one) for one in count_parts(fold, annotations, codebook)],
            }
            for fold in folds
        }
        print(json.dumps(document, ensure_ascii=False))
        return
    out = console()
    for table in fold_tables(folds, annotations, codebook):
        show_table(table, to=out)
    if write is not None:
        out.print(f"{len(folds)} files are in {write}")


@app.command("audit")
def audit_command(
    config: ConfigFile,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and figures as one JSON object.")] = False,
) -> None:
    """Print how labels go with source, language, length, date and translation, and what these alone can score."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config

    resolved = Config.load(config, overrides or [])
    codebook = Codebook.load(resolved.codebook)

    # After the config is known to be sound: these take seconds to load.
    from fimiscope.corpus.auditing import audit_tables, near_copies, traits
    from fimiscope.evaluation.evaluate import evaluate_shortcuts, results_table
    from fimiscope.evaluation.intervals import intervals
    from fimiscope.pipeline import load_corpus

    with progress() as listen:
        corpus = load_corpus(resolved, codebook, progress=listen)
    test = corpus.part("test")
    shortcuts = evaluate_shortcuts(corpus) if test else []
    if as_json:
        import json
        from dataclasses import asdict

        figures = {
            one.name: {name: found.to_dict() for name, found in intervals(one.judged).items()} for one in shortcuts
        }
        counts = {"traits": [asdict(one) for one in traits(corpus)], "near_copies": asdict(near_copies(corpus))}
        print(json.dumps({"digest": corpus.digest, **counts, "shortcuts": figures}, ensure_ascii=False))
        return
    out = console()
    for table in audit_tables(corpus).values():
        show_table(table, to=out)
    if shortcuts:
        title = f"What shortcuts alone score on the test part ({len(test)} texts)"
        show_table(results_table(shortcuts, title=title), to=out)
    else:
        out.print("The config holds out no texts to test on, so there is nothing for the shortcuts to score.")
    out.print(f"digest {corpus.digest}")


@app.command("balance")
def balance_command(
    config: Annotated[Path | None, typer.Argument(help="Config file; none looks at the embedded corpus.")] = None,
    overrides: Overrides = None,
    cues: Annotated[Path | None, typer.Option("--cues", help="List of cues (YAML); the shipped one if absent.")] = None,
    halvings: Annotated[int, typer.Option("--halvings", min=1, help="Random halvings of the families.")] = 5,
    trained: Annotated[
        bool,
        typer.Option(
            "--trained", help="Train the encoder as the config says, too, on the first halving: up to an hour."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and figures as one JSON object.")] = False,
) -> None:
    """Print whether single words give a text's role away, and how well models tell it in families new to them."""
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config
    from fimiscope.corpus.cues import MARK, Cues, count_cues, cue_table, telling_words
    from fimiscope.shipped import shipped

    resolved = Config.load(config or shipped("balance.yaml"), overrides or [])
    codebook, listed = Codebook.load(resolved.codebook), Cues.load(cues)

    # After all that can be refused at once: these take seconds to load.
    from fimiscope.balancing import told_roles, told_table
    from fimiscope.pipeline import load_corpus

    with progress() as listen:
        examples = load_corpus(resolved, codebook, progress=listen).examples
        counts = count_cues(examples, listed, codebook)
        words = telling_words(examples, listed, codebook)
        told = told_roles(
            examples,
            resolved,
            codebook,
            languages=listed.languages,
            halvings=halvings,
            trained=trained,
            progress=listen,
        )
    if as_json:
        import json
        from dataclasses import asdict

        records = {"cues": [asdict(one) for one in counts], "words": [asdict(one) for one in words]}
        figures = {"told": [asdict(one) for one in told]}
        print(json.dumps({"limit": listed.limit, "least": listed.least, **records, **figures}, ensure_ascii=False))
        return
    out = console()
    show_table(cue_table(counts, codebook, title="Texts with a cue, and % of them per role"), to=out)
    show_table(cue_table(words, codebook, title="Single words that tell a role, listed as cues or not"), to=out)
    out.print(f"{MARK} one role holds over {listed.limit:.0%} of the texts with it, of {listed.least} texts or more")
    out.print("most: the commonest role, % of the texts with the cue, and how far that is from all texts, in points")
    show_table(told_table(told), to=out)


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
