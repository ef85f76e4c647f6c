"""How fast articles are scored, by hand and by us: one run on one machine with one set of weights.

Every row is measured in a process of its own. Tables, figures and all numbers are written into --output.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmark.run import Plan, run
from fimiscope.errors import FimiscopeError
from fimiscope.ready import ready_bundle

# What is compared stands side by side, so that a machine that slows down slows both.
ROWS = ("bare", "c", "d", "b", "a", "f", "e", "e8")
SIZES = "sizes"


def main() -> int:
    given = _parser().parse_args()
    try:
        plan = Plan(
            model=(given.model or ready_bundle()).resolve(),
            output=given.output.resolve(),
            rows=tuple(name for name in ROWS if name in given.rows),
            texts=given.texts,
            stream=given.stream,
            sizes=given.sizes if SIZES in given.rows else (),
            most_minutes=given.minutes,
        )
        results = run(plan, say=print)
    except FimiscopeError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    print(f"\n{results.report}\nwritten into {plan.output}")
    return 1 if results.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__)
    parser.add_argument("--texts", type=_count, default=600, help="articles of every row but e (default 600)")
    parser.add_argument("--stream", type=_count, default=5000, help="articles of rows e and e8 (default 5000)")
    parser.add_argument(
        "--rows", type=_names, default=(*ROWS, SIZES), help="some of a,b,c,d,e,e8,f,bare,sizes (default: all)"
    )
    parser.add_argument(
        "--sizes",
        type=_counts,
        default=(1_000, 10_000, 100_000),
        help="articles of the runs that show time and memory (default 1000,10000,100000)",
    )
    parser.add_argument(
        "--minutes", type=float, default=120, help="a row that would take longer scores fewer articles (default 120)"
    )
    parser.add_argument("--model", type=Path, help="a bundle whose encoder has an adapter (default: the ready model)")
    parser.add_argument("--output", type=Path, default=Path("out/bench"), help="folder for results (default out/bench)")
    return parser


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _counts(words: str) -> tuple[int, ...]:
    return tuple(sorted({_count(word) for word in words.split(",")}))


def _names(words: str) -> tuple[str, ...]:
    names = tuple(words.split(","))
    if unknown := set(names) - {*ROWS, SIZES}:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; choose of {', '.join(ROWS)}, {SIZES}")
    return names


if __name__ == "__main__":
    sys.exit(main())
