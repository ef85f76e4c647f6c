"""The tables of a benchmark run, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.aims import Aim
from benchmark.results import Agreement, Measured, agreement

ABOUT = {
    "a": "(a) `transformers.pipeline`, 512 tokens of each article, batch 16",
    "b": "(b) plain loop over the torch model",
    "bare": "bare onnxruntime loop over windows cut before",
    "c": "(c) `fimiscope predict`, every article, fp32",
    "d": "(d) as (c), int8",
    "e": "(e) `fimiscope predict` with the gate",
    "e8": "(e8) the same, int8",
    "f": "(f) as (c), on Ray with two workers",
}
REFERENCE = "c"
_NONE = "–"


def rows_table(rows: Mapping[str, Measured], absent: Mapping[str, str], threshold: float) -> str:
    """Speed, memory, and agreement with row (c); rows that were not measured, with the reason, below."""
    head = (
        "row", "articles", "articles/s", "with start-up", "windows/s", "peak memory, MB",
        "flags as (c)", "flags of (c) kept", "difference of probability: largest", "mean",
    )  # fmt: skip
    reference = rows[REFERENCE].scores if REFERENCE in rows else {}
    lines = []
    for name, about in ABOUT.items():
        if name in rows:
            row = rows[name]
            found = agreement(row.scores, reference, threshold) if name != REFERENCE else None
            lines.append((about, *_speed(row), *_agreement(found)))
    notes = [f"Not measured: {ABOUT[name]}: {why}." for name, why in absent.items()]
    gated = rows.get("e")
    if gated is not None:
        notes.append(f"The gate cleared {gated.cleared:,} of the {len(gated.scores):,} articles.")
    return "\n".join([markdown(head, lines), "", *notes])


def sizes_table(sizes: Sequence[Measured]) -> str:
    """Time and memory against the number of articles."""
    head = ("articles", "seconds", "articles/s", "peak memory, MB")
    return markdown(
        head,
        [
            (f"{one.articles:,}", f"{one.seconds:.1f}", f"{one.articles_per_second:.0f}", f"{one.megabytes:.0f}")
            for one in sizes
        ],
    )


def aims_table(aims: Sequence[Aim]) -> str:
    """Aims, what was found, and whether it is enough."""
    return markdown(("aim", "found", ""), [(aim.wanted, aim.found or _NONE, aim.verdict) for aim in aims])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _speed(row: Measured) -> tuple[str, ...]:
    return (
        f"{row.articles:,}",
        f"{row.articles_per_second:.2f}",
        f"{row.with_start_up:.2f}",
        f"{row.windows_per_second:.1f}",
        f"{row.megabytes:,.0f}",
    )


def _agreement(found: Agreement | None) -> tuple[str, ...]:
    if found is None:
        return (_NONE,) * 4
    share = f"{100 * found.equal / found.articles:.1f} % of {found.articles:,}"
    differences = (_NONE if one is None else f"{one:.2g}" for one in (found.largest, found.mean))
    return (share, f"{found.kept} of {found.flags}", *differences)
