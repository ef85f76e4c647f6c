"""Where a model is weak: language by language and narrative by narrative, the weakest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.heads import LARGE, ClassCount, class_counts
from fimiscope.evaluation.intervals import intervals, wilson
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.rules import SHORTCUTS
from fimiscope.tables import Cell, Table

_NOTE = (
    f"Of at least {LARGE} gold texts: F1 (P precision, R recall), the weakest first; of fewer: how many of them were "
    "found, with Wilson's 95 % interval, the largest first."
)
_WITHIN = ("role/macro_f1", "narratives/samples_f1")
_INSTEAD = 2


def language_table(evaluations: Sequence[Evaluation]) -> Table:
    """The first model within each language, beside the shortcut that finds the flags there best."""
    first, shortcuts = evaluations[0], [one for one in evaluations if one.name in SHORTCUTS]
    rows: list[tuple[ClassCount, tuple[Cell, ...]]] = []
    for language in languages_by_size(first.judged):
        part = in_language(first.judged, language)
        count = flag_count(part)
        bounds = intervals(part) if len(part) >= LARGE else {}
        within = [str(bounds.get(name, "–")) for name in _WITHIN]
        others = {one.name: flag_count(in_language(one.judged, language)) for one in shortcuts}
        rows.append((count, (language, len(part), count.gold, told(count), _best(others), *within)))
    columns = ("language", "texts", "flagged", "flag", "flag: best shortcut", *(HEADLINES[name] for name in _WITHIN))
    return Table(f"By language: {first.name}", columns, _weakest_first(rows), _NOTE)


def narrative_table(evaluations: Sequence[Evaluation]) -> Table:
    """The first model on each narrative, beside the best shortcut, and what it names where it misses."""
    first = evaluations[0]
    shortcuts = {one.name: class_counts(one.judged.heads["narratives"]) for one in evaluations if one.name in SHORTCUTS}
    rows: list[tuple[ClassCount, tuple[Cell, ...]]] = []
    for code, count in class_counts(first.judged.heads["narratives"]).items():
        if count.gold:
            others = {name: counts[code] for name, counts in shortcuts.items()}
            rows.append((count, (code, count.gold, told(count), _best(others), _named_instead(first.judged, code))))
    columns = ("narrative", "texts", "found", "best shortcut", "named where it is missed")
    return Table(f"By narrative: {first.name}", columns, _weakest_first(rows), _NOTE)


def told(count: ClassCount) -> str:
    """A class in a cell: its F1 where it is large, else how many of its texts were found."""
    if count.gold >= LARGE:
        return f"{count.f1:.2f} (P {count.precision:.2f}, R {count.recall:.2f})"
    if count.gold:
        found = wilson(count.both, count.gold)
        return f"{count.both} of {count.gold} [{found.low:.2f}, {found.high:.2f}]"
    return "–"


def flag_count(judged: Judged) -> ClassCount:
    """The flag as a class, over the texts whose labels decide it."""
    gold, given = judged.flag & judged.flag_known, judged.flag_given & judged.flag_known
    return ClassCount(int(gold.sum()), int(given.sum()), int((gold & given).sum()))


def languages_by_size(judged: Judged) -> list[str]:
    """Languages, that of most articles first."""
    languages, counts = np.unique(np.array(judged.languages), return_counts=True)
    return [str(languages[place]) for place in np.argsort(-counts, kind="stable")]


def in_language(judged: Judged, language: str) -> Judged:
    return judged.take(np.flatnonzero(np.array(judged.languages) == language))


def _weakest_first(rows: Sequence[tuple[ClassCount, tuple[Cell, ...]]]) -> tuple[tuple[Cell, ...], ...]:
    def weakness(row: tuple[ClassCount, tuple[Cell, ...]]) -> tuple[bool, float]:
        count = row[0]
        return (False, count.f1) if count.gold >= LARGE else (True, -count.gold)

    return tuple(cells for _, cells in sorted(rows, key=weakness))


def _best(counts: dict[str, ClassCount]) -> str:
    """Told as the model beside it is."""
    if not any(count.gold for count in counts.values()):
        return "–"
    name, best = max(counts.items(), key=lambda item: item[1].f1 if item[1].gold >= LARGE else item[1].recall)
    figure = f"{best.f1:.2f}" if best.gold >= LARGE else f"{best.both} of {best.gold}"
    return f"{figure} ({name})" if best.both else figure


def _named_instead(judged: Judged, code: str) -> str:
    narratives = judged.heads["narratives"]
    place = narratives.codes.index(code)
    missed = narratives.known & narratives.gold[:, place] & ~narratives.given[:, place]
    named: Counter[str] = Counter()
    for gold, given in zip(narratives.gold[missed], narratives.given[missed], strict=True):
        named.update(narratives.codes[one] for one in np.flatnonzero(given & ~gold))
        named["nothing"] += int(not given.any())
    return ", ".join(f"{name} {often}" for name, often in named.most_common(_INSTEAD) if often) or "–"
