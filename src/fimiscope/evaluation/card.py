"""The model card of a trained model, in Markdown, from what its run measured (Mitchell et al. 2019).

Sections stand in the order of what a reader must know first, each under a bold title, so that a shorter place can
take the first ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from fimiscope.bundle.files import LEXICAL, Manifest
from fimiscope.corpus import Corpus
from fimiscope.corpus.examples import PARTS
from fimiscope.evaluation.contrast import Contrast
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.heads import LARGE, class_counts
from fimiscope.evaluation.intervals import intervals, wilson
from fimiscope.evaluation.judged import Judged
from fimiscope.tables import Table

MUST_NOT = (
    "A flag asks a person to read the text. It must not decide anything by itself: no deletion, blocking, report, "
    "ranking of people or sanction. It says what a text does with a narrative, never whether the text is true; it does "
    "not score persons, outlets or communities. Criticism of a government or of a Western policy is not a narrative. "
    "It must not be used to find authors, or to measure loyalty."
)
WEAKEST = 5
"""How many narratives and kinds of the contrast suite are named as known failures."""


def model_card(
    manifest: Manifest,
    corpus: Corpus,
    evaluation: Evaluation,
    results: Table,
    contrast: Contrast | None = None,
) -> str:
    """The card of the model that `evaluation` measured on the corpus's test part.

    Args:
        results: the model on that part beside the models that it blends and the shortcuts (`results_table`).
        contrast: the model on the contrast suite, where it was measured.
    """
    sections = {
        "What it is.": _what(manifest),
        "What it must not be used for.": MUST_NOT,
        f"Figures on the held-out part ({len(evaluation.judged)} texts), with 95 % intervals.": (
            f"{_markdown(results.columns, results.rows)}\n\n{_languages(evaluation.judged)}"
        ),
        "Calibration.": _calibration(evaluation),
        "Known failures.": "\n".join(f"- {line}" for line in _failures(evaluation, contrast)),
        "What it learned from and was tested on.": _corpus(corpus),
        "Licence and codebook.": f"The code of fimiscope is under the MIT licence; the encoder "
        f"({manifest.encoder or 'none'}) and the texts keep their own. Labels: codebook {manifest.codebook}. "
        f"Bundle version {manifest.version}, corpus {manifest.corpus_digest}.",
    }
    parts = [f"**{title}**\n\n{text}" for title, text in sections.items()]
    return "\n\n".join([f"# Model card: {manifest.name}", *parts]) + "\n"


def _what(manifest: Manifest) -> str:
    readers = {
        f"encoder {manifest.encoder}": manifest.encoder is not None,
        "a word model (TF-IDF over hashed n-grams)": LEXICAL in manifest.files,
    }
    reads = " blended with ".join(reader for reader, there in readers.items() if there)
    return (
        f"A text classifier ({reads}; trained {manifest.created}) that flags articles which carry, report on or rebut "
        "narratives of Russian and Chinese information operations in Africa, by the codebook in the bundle, and names "
        "the sentences on which a flag rests."
    )


def _languages(judged: Judged) -> str:
    languages = np.array(judged.languages)
    rows = []
    for language, count in Counter(judged.languages).most_common():
        # Of fewer texts an interval says no more than that they are few.
        found = intervals(judged.take(np.flatnonzero(languages == language))) if count >= LARGE else {}
        rows.append((language, count, *(found.get(name, "–") for name in HEADLINES)))
    return _markdown(("language", "texts", *HEADLINES.values()), rows)


def _calibration(evaluation: Evaluation) -> str:
    figures = evaluation.metrics
    if "flag/calibration_error" not in figures:
        return "Not measured: no text of the held-out part says whether it should be flagged."
    skill = f", Brier skill {figures['flag/brier_skill']:.2f}" if "flag/brier_skill" in figures else ""
    return (
        f"Of the held-out part {figures['flag/share']:.0%} should be flagged. Of the flag's probability: Brier score "
        f"{figures['flag/brier']:.3f}{skill}, calibration error {figures['flag/calibration_error']:.3f}; a perfectly "
        f"calibrated model would show up to {figures['flag/calibration_error_by_chance_95']:.3f} by chance. In a "
        "stream with fewer flags the same probability promises too much."
    )


def _failures(evaluation: Evaluation, contrast: Contrast | None) -> Iterator[str]:
    judged, figures = evaluation.judged, evaluation.metrics
    if "flag/precision" in figures:
        yield (
            f"At its threshold {figures['flag/precision']:.0%} of what it flags is right, and "
            f"{figures['flag/recall']:.0%} of what should be flagged is found."
        )
    counts = class_counts(judged.heads["narratives"])
    gold = sorted(((count.recall, code) for code, count in counts.items() if count.gold), key=lambda pair: pair[0])
    if gold:
        found = ", ".join(
            f"{code} {counts[code].both} of {counts[code].gold} {_bounds(counts[code].both, counts[code].gold)}"
            for _, code in gold[:WEAKEST]
        )
        yield f"Narratives that it finds least often, texts found of those that have one: {found}."
    if few := [name for name, flagged in _flagged_by_language(judged).items() if flagged < LARGE]:
        yield f"Languages with fewer than {LARGE} flagged texts to be tested on, of which the figures say little: " + (
            f"{', '.join(few)}. Of languages that are not in the table they say nothing."
        )
    if "evidence/hit" in figures:
        yield (
            f"Evidence: a shown sentence meets the annotated one in {figures['evidence/hit']:.0%} of the texts that "
            f"have one, as many sentences by lot would in {figures['evidence/hit_random_sentences']:.0%}."
        )
    if contrast is None:
        yield "On the contrast suite it was not measured."
        return
    kinds = [rate for rate in contrast.rates() if rate.must in ("change", "keep") and rate.interval is not None]
    weakest = sorted(kinds, key=lambda rate: rate.share or 0.0)[:WEAKEST]
    yield "Contrast suite, kinds that it passes least often: " + (
        "; ".join(f"{rate.name} (must {rate.must}) {rate}" for rate in weakest) + "."
    )


def _flagged_by_language(judged: Judged) -> dict[str, int]:
    flagged = Counter(
        language for language, flag in zip(judged.languages, judged.flag & judged.flag_known, strict=True) if flag
    )
    return {language: flagged[language] for language in sorted(set(judged.languages))}


def _bounds(hits: int, of: int) -> str:
    found = wilson(hits, of)
    return f"[{found.low:.2f}, {found.high:.2f}]"


def _corpus(corpus: Corpus) -> str:
    counts = Counter((e.source, e.article.language or "unknown", e.part) for e in corpus.examples)
    pairs = sorted({(source, language) for source, language, _ in counts})
    rows = [(source, language, *(counts[source, language, part] for part in PARTS)) for source, language in pairs]
    totals = [len(corpus.part(part)) for part in PARTS]
    return _markdown(("source", "language", *PARTS), [*rows, ("all", "", *totals)])


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
