"""The `fimiscope` command, and how its errors end."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup

from fimiscope.cli import (
    baseline,
    bundle,
    compare,
    corpus,
    cross_validate,
    doctor,
    encoders,
    evaluate,
    explain,
    gate,
    learning_curve,
    model,
    predict,
    promote,
    runs,
    train,
    tune,
)
from fimiscope.errors import FimiscopeError

USER_ERROR = 2
INTERRUPTED = 130


class _Commands(TyperGroup):
    """Ends quietly where typer would end without a word or with an error code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            print("; ".join(["fimiscope: stopped", *stop.args]), file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from stop
        except BrokenPipeError:
            # The reader of a pipe has gone, as `| head` does; there is nobody left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None


app = typer.Typer(
    name="fimiscope",
    help="Flags narratives of Russian and Chinese information operations in Africa, with the evidence for each flag. "
    "Flags are for human review: they say what a text does with a narrative, never whether it is true.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    cls=_Commands,
)
app.command("train")(train.train_command)
app.command("tune")(tune.tune_command)
app.command("predict")(predict.predict_command)
app.command("explain")(explain.explain_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("cross-validate")(cross_validate.cross_validate_command)
app.command("learning-curve")(learning_curve.learning_curve_command)
app.command("runs")(runs.runs_command)
app.command("compare")(compare.compare_command)
app.add_typer(corpus.app, name="corpus")
app.command("promote")(promote.promote_command)
app.command("rollback")(promote.rollback_command)
app.add_typer(model.app, name="model")
app.add_typer(bundle.app, name="bundle")
app.add_typer(gate.app, name="gate")
app.add_typer(baseline.app, name="baseline")
app.command("encoders")(encoders.encoders_command)
app.command("doctor")(doctor.doctor_command)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if debug:
        os.environ["FIMISCOPE_DEBUG"] = "1"


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop as Ctrl-C does, also where this process was started with Ctrl-C ignored, as shells start background jobs."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(number, frame)


def main() -> None:
    """Entry point of the console script."""
    # A batch system that ends a job must find the same checkpoint and closed run as after Ctrl-C.
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except FimiscopeError as error:
        if os.environ.get("FIMISCOPE_DEBUG"):
            traceback.print_exc()
        print(f"fimiscope: {error}", file=sys.stderr)
        sys.exit(USER_ERROR)
