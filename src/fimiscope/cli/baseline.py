"""`fimiscope baseline zero-shot|setfit|single-head CONFIG --output FILE`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from fimiscope.cli.corpus import ConfigFile, Overrides
from fimiscope.records import OUTCOMES

app = typer.Typer(no_args_is_help=True, help="Models that a user would try first, on the same parts as our own.")
Output = Annotated[Path, typer.Option("--output", help="Verdicts on the test part: .jsonl, .csv or .parquet.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the closing counts as one JSON object.")]


@app.command("zero-shot")
def zero_shot_command(config: ConfigFile, output: Output, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Compare articles with the codebook's definitions; no training label is used."""
    _run("zero-shot", config, output, overrides, as_json=as_json)


@app.command("setfit")
def setfit_command(config: ConfigFile, output: Output, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Tune the encoder on pairs of texts by role, then fit linear heads."""
    _run("setfit", config, output, overrides, as_json=as_json)


@app.command("single-head")
def single_head_command(
    config: ConfigFile, output: Output, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Fine-tune a plain sequence classifier of transformers on role and Africa."""
    _run("single-head", config, output, overrides, as_json=as_json)


def _run(name: str, config: Path, output: Path, overrides: list[str] | None, *, as_json: bool) -> None:
    from fimiscope.cli.show import NOTICE, console, progress
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config
    from fimiscope.predict.writing import open_writer

    resolved = Config.load(config, overrides or [])
    codebook = Codebook.load(resolved.codebook)
    writing = open_writer(output, codebook)

    # After all that can be refused at once: these take seconds to load.
    from fimiscope.baselines import baseline_verdicts
    from fimiscope.pipeline import load_corpus

    with progress() as listen, writing as writer:
        corpus = load_corpus(resolved, codebook, progress=listen)
        verdicts = baseline_verdicts(name, resolved, corpus, codebook, progress=listen)
        for verdict in verdicts:
            writer.write(verdict)
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    counts = {name: outcomes[name] for name in OUTCOMES}
    if as_json:
        import json

        print(json.dumps({**counts, "output": str(output), "model": verdicts[0].model}))
        return
    out = console()
    out.print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    out.print(f"{output} written by the baseline {name}. {NOTICE}", soft_wrap=True)
    if not overrides:
        out.print(f"to compare  fimiscope evaluate --predictions {output} --data {config}", soft_wrap=True)
