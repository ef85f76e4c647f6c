"""`fimiscope explain INPUT`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.cli.options import MODEL_HELP
from fimiscope.shipped import READY

if TYPE_CHECKING:
    from rich.console import Console

    from fimiscope.predict.explaining import Explanation


def explain_command(
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="One article: a file, or - for jsonl on standard input.")
    ],
    model: Annotated[str, typer.Option("--model", help=MODEL_HELP)] = READY,
    article: Annotated[str | None, typer.Option("--id", help="Which article, where INPUT holds several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as one JSON object.")] = False,
) -> None:
    """Show on what the verdict about one article rests: windows, scores, evidence, nearest definitions."""
    from fimiscope.cli.models import load_predictor
    from fimiscope.cli.show import NOTICE, console
    from fimiscope.errors import ReadingError
    from fimiscope.predict.explaining import explain
    from fimiscope.reading import read_articles
    from fimiscope.records import Article

    predictor = load_predictor(model)
    for item in read_articles([source], stdin=sys.stdin.buffer):
        if article is None or item.id == article:
            break
    else:
        raise ReadingError(f"{source} holds no article with the id '{article}'")
    if not isinstance(item, Article):
        raise ReadingError(f"{item.place}: {item.reason}")
    explanation = explain(predictor, item)
    if as_json:
        import json

        print(json.dumps(explanation.to_dict(), ensure_ascii=False))
        return
    out = console()
    _show(out, explanation)
    out.print(NOTICE)


def _show(out: Console, explanation: Explanation) -> None:
    from rich.text import Text

    from fimiscope.cli.show import show_table

    verdict = explanation.verdict
    out.print(f"{verdict.id}: {verdict.status}" + (f" ({verdict.reason})" if verdict.reason else ""), style="bold")
    if verdict.status == "failed":
        return
    flag = {True: "flagged", False: "clear", None: "undecided"}[verdict.flag]
    probability = f"{verdict.flag_probability:.2f} (threshold {explanation.threshold:.2f})"
    out.print(f"{flag}, probability {probability}; role {verdict.role_label}")
    text = Text(explanation.article.text)
    for evidence in verdict.evidence or ():
        if evidence.field == "text":
            text.stylize("bold reverse" if evidence.head == "role" else "underline", evidence.start, evidence.end)
    out.print(text)
    for number, evidence in enumerate(verdict.evidence or (), start=1):
        where = f"{evidence.field} {evidence.start}–{evidence.end}"
        out.print(f"  evidence {number} for {evidence.head} ({where}, {evidence.score:.2f}): {evidence.text}")
    for table in explanation.tables:
        show_table(table, to=out)
