"""`fimiscope review build|merge`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fimiscope.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Texts for annotators to label next, and joining what they said.")
CodebookFile = Annotated[
    Path | None,
    typer.Option("--codebook", help="Codebook YAML of the model and its labels; the shipped one if absent."),
]
Columns = Annotated[
    str | None, typer.Option("--columns", help="Other people's column names: text=Body,title=Headline,published=Date.")
]


@app.command("build")
def build_command(
    articles: Annotated[
        list[str],
        typer.Option(
            "--articles", metavar="INPUT", help="What was scored: file, folder, glob, or - for jsonl; can be repeated."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder for the page and the tasks.")],
    scores: Annotated[
        Path | None, typer.Argument(metavar="SCORES", help="Result of `fimiscope predict`: jsonl, csv or parquet.")
    ] = None,
    disputed: Annotated[
        Path | None, typer.Option("--from", help="In place of SCORES: what `fimiscope review merge` found disputed.")
    ] = None,
    size: Annotated[int | None, typer.Option("--size", min=1, help="Texts to label; 100 if absent.")] = None,
    annotations: Annotated[
        Path | None,
        typer.Option("--annotations", help="Labels that there are: not to label again, and to search for errors."),
    ] = None,
    show_model: Annotated[
        bool, typer.Option("--show-model", help="Show annotators what the model said; they are not blind then.")
    ] = False,
    codebook: CodebookFile = None,
    columns: Columns = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print files and counts as one JSON object.")] = False,
) -> None:
    """Write the texts that people should label next, as a page to label on and as tasks for Label Studio."""
    from fimiscope.cli.options import column_names
    from fimiscope.cli.show import NOTICE, console, progress, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.output_files import check_new
    from fimiscope.reading import read_articles

    if (scores is None) == (disputed is None):
        raise ConfigError("give SCORES, the result of `fimiscope predict`, or --from; one of the two")
    if disputed is not None and (annotations is not None or size is not None):
        raise ConfigError("--from takes all that is disputed: leave out --annotations and --size")
    check_new(
        output / "queue.html",
        "labels on it that nobody exported yet would be out of reach, so give another --output, or take it away",
    )
    book = Codebook.load(codebook)
    inputs = read_articles(articles, columns=column_names(columns), stdin=sys.stdin.buffer)

    # After all that can be refused at once: these take seconds to load.
    from fimiscope.review.adjudication import disputed_queue
    from fimiscope.review.candidates import read_candidates, read_labels
    from fimiscope.review.output import write_queue
    from fimiscope.review.queue import build_queue

    remarks = []
    with progress() as listen:
        if disputed is not None:
            queue = disputed_queue(disputed, inputs, book)
        elif scores is not None:
            labelled = () if annotations is None else read_labels(annotations, book)
            candidates = read_candidates(scores, inputs, labelled, book)
            queue = build_queue(candidates, book, size=size or 100, progress=listen)
            if candidates.without_text:
                remarks.append(
                    f"{candidates.without_text} of {candidates.scored} verdicts have no article in --articles"
                )
            if candidates.not_judged:
                remarks.append(
                    f"{candidates.not_judged} labelled texts have no probabilities, and no errors were looked for in "
                    "them: score them with fimiscope predict --no-gate"
                )
    files = write_queue(queue, output, show_model=show_model)
    if as_json:
        import json

        facts = {"queue": queue.digest, "texts": len(queue.items), "languages": queue.counts(), "remarks": remarks}
        print(json.dumps({**facts, "files": [str(file) for file in files]}, ensure_ascii=False))
        return
    out = console()
    show_table(queue.table(), to=out)
    for remark in remarks:
        out.print(remark)
    for file in files:
        out.print(str(file), soft_wrap=True)
    out.print(NOTICE)


@app.command("merge")
def merge_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What annotators exported: jsonl, or JSON of Label Studio.")
    ],
    output: Annotated[Path, typer.Option("--output", help="The new version of annotations: a new .jsonl file.")],
    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--texts",
            metavar="INPUT",
            help="The labelled articles, as given to build; they go into the file, for a source of kind labelled.",
        ),
    ] = None,
    adjudicated: Annotated[
        list[Path] | None, typer.Option("--adjudicated", metavar="FILE", help="Labels of who decides what is disputed.")
    ] = None,
    codebook: CodebookFile = None,
    columns: Columns = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print agreement and counts as one JSON object.")] = False,
) -> None:
    """Join the labels of several annotators: agreement, what is disputed, and a new version of annotations."""
    from fimiscope.cli.options import column_names
    from fimiscope.cli.show import console, show_table
    from fimiscope.codebook import Codebook
    from fimiscope.reading import read_articles
    from fimiscope.review.merging import check_labelled, check_output, merge, write_version

    check_output(output)
    book = Codebook.load(codebook)
    names = column_names(columns)
    articles = read_articles(texts, columns=names, stdin=sys.stdin.buffer) if texts else None
    done = merge(files, book, adjudicated=adjudicated or ())
    disputed = write_version(done, output, articles)
    if as_json:
        import json
        from dataclasses import asdict

        facts = {
            "agreement": [asdict(one) for one in done.agreement],
            "annotators": done.annotators,
            "adjudicators": done.adjudicators,
            "joined": done.joined,
            "disputed": [
                {"corpus": one.readings[0].corpus, "id": one.readings[0].id, "fields": list(one.fields)}
                for one in done.disputed
            ],
        }
        written = {"annotations": str(output) if done.texts else None, "to_adjudicate": disputed and str(disputed)}
        print(json.dumps({**facts, **written}, ensure_ascii=False))
        check_labelled(done, disputed)
        return
    from fimiscope.review.agreement import agreement_table
    from fimiscope.review.merging import disputed_table

    out = console()
    show_table(agreement_table(done.agreement), to=out)
    if disputed is not None:
        show_table(disputed_table(done.disputed), to=out)
        out.print(f"to adjudicate  {disputed}", soft_wrap=True)
    check_labelled(done, disputed)
    counts = ", ".join(f"{count} {how}" for how, count in done.joined.items())
    out.print(f"annotations    {output}  ({counts})", soft_wrap=True)
