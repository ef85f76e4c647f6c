"""What came out of a training run, in five lines of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fimiscope.corpus import Corpus, Example
from fimiscope.evaluation.contrast import Contrast
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.heads import LARGE, class_counts
from fimiscope.evaluation.intervals import COVERAGE, Difference, differences, intervals
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.means import means
from fimiscope.evaluation.metrics import Metrics
from fimiscope.evaluation.rules import SHORTCUTS
from fimiscope.evaluation.second_reader import second_reader_of
from fimiscope.evaluation.slices import flag_count, in_language, languages_by_size

FIGURE = "flag/pr_auc"
"""The figure by which runs are ranked and compared first."""
_MOST_SOURCES = 4
_WORTH_A_LOOK = {
    "report.html": "all on one page",
    "tables": "every table, that of results first",
    "plots": "confusion, precision and recall, reliability",
    "predictions.json": "each verdict beside its labels",
}
_RATES = {"must_change": "edits that change the label", "must_keep": "edits that must not"}


def run_note(
    corpus: Corpus, evaluations: Sequence[Evaluation], contrast: Contrast | None, artifacts: Sequence[str]
) -> str:
    """What came out, what stands beside it, where it is weak, what was learned from, and where to look next.

    MLflow folds a description after its first lines.

    Args:
        evaluations: of the model, then of any others, the shortcuts among them.
        contrast: the model on the contrast suite, if it was measured.
        artifacts: names of what the run holds.
    """
    model = evaluations[0]
    lines = {
        "Result": _headlines(model),
        "Beside it": _rivals(model, [one for one in evaluations if one.name in SHORTCUTS]),
        "Weakest": _weakest(model.judged, contrast),
        "Learned from": _parts(corpus),
        "Look next": "; ".join(f"`{name}` ({why})" for name, why in _WORTH_A_LOOK.items() if name in artifacts),
    }
    return _listed(lines)


def parent_note(kind: str, children: Mapping[str, Metrics], reused: Sequence[str]) -> str:
    """The children, the mean and standard deviation of their figures, and which of them are worst and best.

    Args:
        kind: what the children are, as a plural.
        children: figures of each, by name.
        reused: names of those that were trained before.
    """
    before = f"; trained before, and measured as they are: {', '.join(reused)}" if reused else ""
    values = {name: figures[FIGURE] for name, figures in children.items() if FIGURE in figures}
    order = sorted(values, key=lambda name: values[name])
    lines = {
        "Runs": f"{len(children)} {kind if len(children) > 1 else kind.removesuffix('s')}{before}",
        "Mean ± standard deviation": _means(list(children.values())),
        "From worst to best": ", ".join(f"{name} {values[name]:.2f}" for name in order) or "not measured",
        "Look next": "`tables/children.json`, and the runs below this one",
    }
    return _listed(lines)


def told(first: str, second: str, found: Mapping[str, Difference], texts: int) -> str:
    """Whether the first model is better than the second, in a sentence.

    Args:
        found: figures of the first minus those of the second.
        texts: on which both were measured.
    """
    name = next((name for name in (FIGURE, *HEADLINES) if name in found), None)
    if name is None:
        return f"No figure can be measured on these {texts} texts for both."
    difference, interval = found[name], found[name].interval
    apart = f"{first} and {second} cannot be told apart in {HEADLINES[name]} on these {texts} texts: they differ by"
    if not interval.bounded:
        return f"{apart} {interval.value:+.3f}, and the texts hang together in too few units for an interval."
    bounds = f"[{interval.low:+.3f}, {interval.high:+.3f}], p {difference.p_told}"
    if difference.real:
        better = f"{first} is better than {second}" if interval.value > 0 else f"{second} is better than {first}"
        return (
            f"{better} in {HEADLINES[name]} by {abs(interval.value):.3f} ({bounds}): the difference is real, its "
            f"{COVERAGE:.0%} interval does not hold 0."
        )
    return f"{apart} {interval.value:+.3f} ({bounds}), and the {COVERAGE:.0%} interval holds 0."


def _listed(lines: Mapping[str, str]) -> str:
    return "\n".join(f"- **{title}**: {words}" for title, words in lines.items())


def _title() -> str:
    return HEADLINES[FIGURE]


def _parts(corpus: Corpus) -> str:
    train, valid, test = (corpus.part("train"), corpus.part("valid"), corpus.part("test"))
    flagged = sum(corpus.codebook.flagged(example.labels) is True for example in test)
    return (
        f"{len(train)} texts ({_commonest([e.source for e in train])}; {_languages(train)}), calibrated on "
        f"{len(valid)}, measured on {len(test)}, {flagged} of them flagged ({_languages(test)})"
    )


def _languages(examples: Sequence[Example]) -> str:
    return _commonest([example.article.language or "unknown" for example in examples])


def _commonest(names: Sequence[str]) -> str:
    counts = Counter(names).most_common()
    shown = [f"{name} {count}" for name, count in counts[:_MOST_SOURCES]]
    return ", ".join(shown) + (f", {len(counts) - _MOST_SOURCES} more" if len(counts) > _MOST_SOURCES else "")


def _headlines(model: Evaluation) -> str:
    found = intervals(model.judged)
    # The figure that is always there in place of those that small parts lack.
    names = {FIGURE: HEADLINES[FIGURE], **HEADLINES} | {"role/macro_f1_all": "role F1 (all roles)"}
    if "role/macro_f1" in found:
        del names["role/macro_f1_all"]
    return ", ".join(f"{title} {found[name]}" for name, title in names.items() if name in found) or "nothing measured"


def _rivals(model: Evaluation, shortcuts: Sequence[Evaluation]) -> str:
    ranked = sorted((one for one in shortcuts if FIGURE in one.metrics), key=lambda one: -one.metrics[FIGURE])
    said = []
    if ranked and FIGURE in model.metrics:
        best = ranked[0]
        said.append(f"the best shortcut is “{best.name}” with {_title()} {best.metrics[FIGURE]:.2f}")
        sentence = told(model.name, "it", differences(model.judged, best.judged), len(model.judged))
        said.append(sentence.rstrip("."))
    if reader := second_reader_of(model.judged):
        said.append(f"a second reader reaches flag F1 {reader.flag_f1:.2f}")
    return "; ".join(said) or "no shortcut was measured"


def _weakest(judged: Judged, contrast: Contrast | None) -> str:
    """The language, the narrative and the role with the lowest F1, of those with enough gold texts; pass rates."""
    flags = {language: flag_count(in_language(judged, language)) for language in languages_by_size(judged)}
    said = []
    for title, figure, counts, gold in (
        ("language", "flag F1", flags, "flagged"),
        ("narrative", "F1", class_counts(judged.heads["narratives"]), "gold"),
        ("role", "F1", class_counts(judged.heads["role"]), "gold"),
    ):
        large = [(count.f1, name, count.gold) for name, count in counts.items() if count.gold >= LARGE]
        if large:
            value, worst, size = min(large)
            said.append(f"{title} {worst} ({figure} {value:.2f}, {size} {gold} texts)")
    said = said or [f"no language, narrative or role has {LARGE} gold texts"]
    if contrast is not None:
        rates = contrast.metrics()
        passed = [f"{rates[name]:.0%} of {words}" for name, words in _RATES.items() if name in rates]
        said += [f"contrast suite: passes {' and '.join(passed)}"] if passed else []
    return "; ".join(said)


def _means(children: Sequence[Metrics]) -> str:
    found, said = means(children), []
    for name, title in {FIGURE: HEADLINES[FIGURE], **HEADLINES}.items():
        if name in found:
            of = f" (of {found[name].count})" if found[name].count < len(children) else ""
            said.append(f"{title} {found[name]}{of}")
    return ", ".join(said) or "nothing measured"
