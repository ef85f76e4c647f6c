"""Every figure of models side by side: head by head, class by class, language by language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fimiscope.evaluation.evaluate import Evaluation
from fimiscope.evaluation.heads import LARGE, class_counts
from fimiscope.evaluation.intervals import Interval, intervals
from fimiscope.evaluation.judged import HEADS, Judged
from fimiscope.evaluation.metrics import AS_NONE
from fimiscope.evaluation.slices import flag_count, in_language, languages_by_size, told
from fimiscope.tables import Cell, Table

_EVERYWHERE = "all"
_CLASS_NOTE = (
    f"F1 (P precision, R recall) of a class with at least {LARGE} gold texts; of a smaller one, how many of its texts "
    "were found, with Wilson's 95 % interval."
)
_AS_NONE_NOTE = "Each article that a model abstained from is taken for one of role none; a model that never does has –."


def detail_tables(evaluations: Sequence[Evaluation]) -> Iterator[Table]:
    """Tables with one column a model, for models that judged the same articles."""
    names = tuple(evaluation.name for evaluation in evaluations)
    bounds = [intervals(evaluation.judged) for evaluation in evaluations]
    counted = [
        {f"{AS_NONE}/{name}": interval for name, interval in intervals(e.judged.with_abstentions_as_none()).items()}
        if e.judged.abstained.any()
        else {}
        for e in evaluations
    ]
    yield _figures("Articles read", evaluations, ["articles", "coverage", "failed"], bounds)
    for head in (*HEADS, "flag", "evidence"):
        found = _of_group(evaluations, head)
        if found:
            yield _figures(f"Figures of {head}", evaluations, found, bounds)
        if head in HEADS:
            yield from _classes(head, evaluations, names)
    yield from _languages(evaluations, names)
    if found := [name for head in (*HEADS, "flag", "evidence") for name in _of_group(evaluations, f"{AS_NONE}/{head}")]:
        yield _figures("With abstentions counted as none", evaluations, found, counted, note=_AS_NONE_NOTE)


def _of_group(evaluations: Sequence[Evaluation], group: str) -> list[str]:
    """Names of the figures `<group>/<figure>` of any model; those of single classes stand elsewhere."""
    depth = group.count("/") + 1
    names = dict.fromkeys(name for evaluation in evaluations for name in evaluation.metrics)
    return sorted(name for name in names if name.startswith(f"{group}/") and name.count("/") == depth)


def _figures(
    title: str,
    evaluations: Sequence[Evaluation],
    figures: Sequence[str],
    bounds: Sequence[dict[str, Interval]],
    *,
    note: str = "",
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in figures:
        cells: list[str] = []
        for evaluation, found in zip(evaluations, bounds, strict=True):
            value = evaluation.metrics.get(name)
            cells.append("–" if value is None else str(found.get(name, _plain(value))))
        rows.append((name, *cells))
    return Table(title, ("figure", *(evaluation.name for evaluation in evaluations)), tuple(rows), note)


def _plain(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and value > 1 else f"{value:.3f}"


def _classes(head: str, evaluations: Sequence[Evaluation], names: tuple[str, ...]) -> Iterator[Table]:
    """One row a class and language with gold texts, over all languages first."""
    rows: list[tuple[Cell, ...]] = []
    for language in (_EVERYWHERE, *languages_by_size(evaluations[0].judged)):
        counts = [class_counts(_in_language(evaluation.judged, language).heads[head]) for evaluation in evaluations]
        for code in evaluations[0].judged.heads[head].codes:
            gold = max(count[code].gold for count in counts)
            if gold:
                rows.append((code, language, gold, *(told(count[code]) for count in counts)))
    if rows:
        # Stable, so that languages keep their order within a class.
        order = {code: place for place, code in enumerate(evaluations[0].judged.heads[head].codes)}
        rows.sort(key=lambda row: order[str(row[0])])
        yield Table(
            f"Classes of {head}",
            ("class", "language", "texts", *names),
            tuple(rows),
            _CLASS_NOTE if head == HEADS[0] else "",
        )


def _languages(evaluations: Sequence[Evaluation], names: tuple[str, ...]) -> Iterator[Table]:
    """The flag and the headline figures within each language."""
    rows: list[tuple[Cell, ...]] = []
    for language in languages_by_size(evaluations[0].judged):
        parts = [in_language(evaluation.judged, language) for evaluation in evaluations]
        size = len(parts[0])
        flags = [flag_count(part) for part in parts]
        if gold := max(count.gold for count in flags):
            rows.append((language, size, f"flag ({gold} flagged)", *map(told, flags)))
        ranked = ("flag/pr_auc",) if gold >= LARGE else ()
        bounds = [intervals(part) for part in parts] if size >= LARGE else []
        for name in (*ranked, "role/macro_f1", "narratives/samples_f1", "evidence/hit"):
            cells = [str(found[name]) if name in found else "–" for found in bounds]
            if any(cell != "–" for cell in cells):
                rows.append((language, size, name, *cells))
    if rows:
        note = f"Below {LARGE} flagged texts: how many of them were flagged, with Wilson's 95 % interval."
        yield Table("Languages", ("language", "texts", "figure", *names), tuple(rows), note)


def _in_language(judged: Judged, language: str) -> Judged:
    return judged if language == _EVERYWHERE else in_language(judged, language)
