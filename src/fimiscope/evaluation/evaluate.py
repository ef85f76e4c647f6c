"""A model against labelled articles: verdicts, figures, and the tables people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.evaluation.intervals import differences, intervals
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.metrics import Metrics, all_metrics
from fimiscope.evaluation.rules import shortcut_rules
from fimiscope.evaluation.second_reader import second_reader_of
from fimiscope.predict import Predictor
from fimiscope.progress import Progress, silent
from fimiscope.records import Article, Verdict
from fimiscope.tables import Table

REPORTED_EVERY = 32


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one set of labelled articles.

    Attributes:
        name: row title in tables.
        verdicts: one for each article, in order.
        judged: the same beside the gold labels.
        metrics: every figure (see `fimiscope.evaluation.metrics`).
    """

    name: str
    verdicts: tuple[Verdict, ...]
    judged: Judged
    metrics: Metrics

    @classmethod
    def of(cls, name: str, examples: Sequence[Example], verdicts: Sequence[Verdict], codebook: Codebook) -> Evaluation:
        """Measure given verdicts."""
        judged = judge(examples, verdicts, codebook)
        return cls(name, tuple(verdicts), judged, all_metrics(judged))


def evaluate(
    predictor: Predictor, examples: Sequence[Example], *, name: str | None = None, progress: Progress = silent
) -> Evaluation:
    """Score the articles as far as their labels cover them, and measure the verdicts."""
    articles = [example.labelled_article() for example in examples]
    verdicts = score(predictor, articles, stage="evaluation", progress=progress)
    return Evaluation.of(name or predictor.bundle.manifest.name, examples, verdicts, predictor.bundle.codebook)


def evaluate_shortcuts(corpus: Corpus) -> list[Evaluation]:
    """What source, language, length and outlet alone would score (see `fimiscope.evaluation.rules`)."""
    test, rules = corpus.part("test"), shortcut_rules(corpus)
    return [Evaluation.of(name, test, verdicts, corpus.codebook) for name, verdicts in rules.items()]


def score(predictor: Predictor, articles: Sequence[Article], *, stage: str, progress: Progress) -> list[Verdict]:
    """One verdict for each article, in order and without the gate; `progress` hears of `stage` now and then."""
    verdicts: list[Verdict] = []
    for verdict in predictor.without_gate().predict(articles):
        verdicts.append(verdict)
        if len(verdicts) % REPORTED_EVERY == 0 or len(verdicts) == len(articles):
            progress(stage, len(verdicts), len(articles))
    return verdicts


def learned_from(predictor: Predictor, examples: Sequence[Example]) -> int:
    """From how many of the examples the model learned, by their texts and as far as its bundle says."""
    return sum(short_digest(example.article.text) in predictor.bundle.learned for example in examples)


def scorers(predictor: Predictor, name: str | None = None) -> list[tuple[str, Predictor]]:
    """A model by its name, followed by the models that it blends."""
    name = name or predictor.bundle.manifest.name
    return [(name, predictor), *((f"{name}: {apart.scorer} alone", apart) for apart in predictor.apart())]


HEADLINES = {
    "role/macro_f1": "role F1 (macro)",
    "role/macro_f1_languages": "role F1 (mean of languages)",
    "flag/f1": "flag F1",
    "flag/pr_auc": "flag PR-AUC",
    "narratives/samples_f1": "narratives samples-F1",
}


def results_table(evaluations: Sequence[Evaluation], *, title: str = "Results") -> Table:
    """One row a model: the headline figures with 95 % intervals; and the second reader, where the texts have one."""
    rows = []
    for evaluation in evaluations:
        bounds = intervals(evaluation.judged)
        rows.append((evaluation.name, *(str(bounds.get(name, "–")) for name in HEADLINES)))
    reader = second_reader_of(evaluations[0].judged)
    for name, cells in reader.rows().items() if reader else ():
        rows.append((name, *(cells.get(figure, "–") for figure in HEADLINES)))
    return Table(title, ("model", *HEADLINES.values()), tuple(rows), reader.note() if reader else "")


def paired_table(evaluations: Sequence[Evaluation]) -> Table:
    """Differences between the first model and each other one, on the same draws of the same articles."""
    first, rows = evaluations[0], []
    for other in evaluations[1:]:
        found = differences(first.judged, other.judged)
        cells = [
            found[name].interval.shown("+.2f") + (" *" if found[name].real else "") if name in found else "–"
            for name in HEADLINES
        ]
        rows.append((f"{first.name} − {other.name}", *cells))
    return Table("Paired differences (* interval excludes 0)", ("pair", *HEADLINES.values()), tuple(rows))


def count_table(examples: Sequence[Example], codebook: Codebook) -> Table:
    """What the articles are that the figures rest on."""
    rows: list[tuple[str | int, ...]] = []
    for source in sorted({example.source for example in examples}):
        mine = [example for example in examples if example.source == source]
        roles = [sum(example.labels.role == code for example in mine) for code in codebook.role_codes]
        flagged = sum(codebook.flagged(example.labels) is True for example in mine)
        rows.append((source, len(mine), *roles, flagged))
    total = tuple(sum(int(row[column]) for row in rows) for column in range(1, len(codebook.role_codes) + 3))
    return Table("Articles", ("source", "texts", *codebook.role_codes, "flagged"), (*rows, ("all", *total)))
