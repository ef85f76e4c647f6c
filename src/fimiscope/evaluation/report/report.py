"""Everything that one evaluation came to. The tables are made once: for the terminal, for MLflow and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.auditing import audit_tables
from fimiscope.evaluation.contrast import Contrast, contrast_table, failing_families, family_table, repost_table
from fimiscope.evaluation.curves import EpochFigures, epoch_table, reliability_table, threshold_table
from fimiscope.evaluation.evaluate import Evaluation, count_table, paired_table, results_table
from fimiscope.evaluation.heads import role_confusion
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.mistakes import Mistake, mistake_table, worst_mistakes
from fimiscope.evaluation.slices import language_table, narrative_table
from fimiscope.tables import Cell, Table


@dataclass(frozen=True, slots=True)
class Report:
    """One model on one set of labelled articles, beside what it is compared with.

    Attributes:
        evaluations: the model first, then the models that it is compared with, then shortcuts.
        threshold: flag probability from which the model flags; `None` where it is not known.
        base_rate: share of flagged articles to expect where the model is used.
        texts: whether words of articles may be shown.
        differences: between the model and each row it is compared with; `None` where it stands alone.
        contrast, families, failing, reposts: of the contrast suite, where it was measured.
        audit: labels by trait, by the trait's name; empty without a corpus.
        epochs: empty where nothing was trained, or no encoder.
    """

    evaluations: tuple[Evaluation, ...]
    codebook: Codebook
    threshold: float | None
    base_rate: float
    texts: bool
    counts: Table
    results: Table
    differences: Table | None
    languages: Table
    narratives: Table
    confusion: Table
    thresholds: Table
    reliability: Table
    contrast: Table | None
    families: Table | None
    failing: Table | None
    reposts: Table | None
    mistakes: tuple[Mistake, ...]
    errors: Table
    audit: dict[str, Table]
    epochs: tuple[EpochFigures, ...]

    @classmethod
    def of(
        cls,
        evaluations: Sequence[Evaluation],
        examples: Sequence[Example],
        codebook: Codebook,
        *,
        title: str,
        texts: bool,
        threshold: float | None = None,
        base_rate: float | None = None,
        contrasts: Sequence[Contrast] = (),
        corpus: Corpus | None = None,
        epochs: Sequence[EpochFigures] = (),
    ) -> Report:
        """Make every table.

        Args:
            examples: what the models were measured on.
            title: of the results table.
            base_rate: the share of flags among `examples` when absent.
            contrasts: the model's own first.
        """
        model = evaluations[0]
        mistakes = worst_mistakes(examples, model.verdicts, codebook, texts=texts)
        own = contrasts[0] if contrasts else None
        return cls(
            evaluations=tuple(evaluations),
            codebook=codebook,
            threshold=threshold,
            base_rate=model.metrics.get("flag/share", 0.0) if base_rate is None else base_rate,
            texts=texts,
            counts=count_table(examples, codebook),
            results=results_table(evaluations, title=title),
            differences=paired_table(evaluations) if len(evaluations) > 1 else None,
            languages=language_table(evaluations),
            narratives=narrative_table(evaluations),
            confusion=_confusion(model.judged),
            thresholds=threshold_table(model.judged),
            reliability=reliability_table(model.judged),
            contrast=contrast_table(contrasts) if contrasts else None,
            families=family_table(own) if own else None,
            failing=failing_families(own) if own else None,
            reposts=repost_table(own) if own else None,
            mistakes=mistakes,
            errors=mistake_table(mistakes),
            audit=audit_tables(corpus) if corpus else {},
            epochs=tuple(epochs),
        )

    @property
    def model(self) -> Evaluation:
        """The model that the report is about."""
        return self.evaluations[0]

    def tables(self) -> dict[str, Table]:
        """Every table that has something to say, by the name under which it is kept."""
        optional = {
            "differences": self.differences,
            "contrast": self.contrast,
            "contrast_families": self.families,
            "contrast_reposts": self.reposts,
            "epochs": epoch_table(self.epochs) if self.epochs else None,
        }
        return {
            "results": self.results,
            "languages": self.languages,
            "narratives": self.narratives,
            "confusion": self.confusion,
            "thresholds": self.thresholds,
            "reliability": self.reliability,
            "errors": self.errors,
            **{name: table for name, table in optional.items() if table is not None},
            **{f"audit_{name}": table for name, table in self.audit.items()},
        }

    def to_html(self) -> str:
        """The page: one file that loads nothing and keeps nothing.

        Raises:
            MissingExtra: jinja2 is not installed.
        """
        from fimiscope.evaluation.report.page import render

        return render(self)


def _confusion(judged: Judged) -> Table:
    roles = judged.heads["role"].codes
    rows: list[tuple[Cell, ...]] = [
        (role, *counts, sum(counts)) for role, counts in zip(roles, role_confusion(judged).tolist(), strict=True)
    ]
    return Table("Gold role (rows) and given role (columns)", ("gold role", *roles, "texts"), tuple(rows))
