"""Tables, progress and remarks on a terminal; plain when output is piped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from fimiscope.progress import Progress as ProgressListener
    from fimiscope.tables import Table

NOTICE = (
    "Flags are for human review. They say what a text does with a narrative, never whether it is true, "
    "and they do not score persons or outlets."
)
PIPED_WIDTH = 160


class _Console(Console):
    """Prints what it is given: brackets in articles and file names are no markup."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """A console; piped output is wide enough for tables and carries no markup codes."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False, width=width)


def show_table(table: Table, *, to: Console | None = None) -> None:
    """Print one table."""
    rich = RichTable(title=Text(table.title), title_justify="left", title_style="bold")
    for number, column in enumerate(table.columns):
        numeric = bool(table.rows) and all(isinstance(row[number], int | float) for row in table.rows)
        rich.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        rich.add_row(*(Text(str(cell)) for cell in row))
    out = to or console()
    out.print(rich)
    if table.note:
        out.print(table.note)


@contextmanager
def progress() -> Iterator[ProgressListener]:
    """A progress listener that draws bars on a terminal and stays silent when piped."""
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def listen(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield listen
