"""`fimiscope evaluate --model MODEL --data DATA`, `… --predictions FILE --data DATA`, `… --model MODEL --contrast`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fimiscope.errors import ConfigError

if TYPE_CHECKING:
    from fimiscope.codebook import Codebook
    from fimiscope.corpus import Corpus, Dropped, Example
    from fimiscope.evaluation import Evaluation
    from fimiscope.evaluation.contrast import Contrast
    from fimiscope.evaluation.report import Report
    from fimiscope.predict import Predictor
    from fimiscope.progress import Progress
    from fimiscope.tables import Table


def evaluate_command(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="Bundle folder or registered model; repeat to compare, the first against the others."
        ),
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            "--predictions",
            help="File of verdicts on DATA, as predict writes it or with id, role_label and flag_probability alone; "
            "may be repeated.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled jsonl, csv or parquet; or a config, for its held-out part.")
    ] = None,
    contrast: Annotated[
        bool,
        typer.Option("--contrast", help="Pass rates on the contrast suite: edits that change the label or must not."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder for metrics.json, predictions.jsonl and plots; for contrast.json."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Page of what the first model does on DATA; ends in .html.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Other column names in DATA: text=Body,role=Label.")
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Print every figure on DATA, by head, class and language.")
    ] = False,
    families: Annotated[
        bool, typer.Option("--families", help="With --contrast: which edits failed, family by family.")
    ] = False,
    suite_round: Annotated[
        int | None,
        typer.Option("--round", help="With --contrast: only the texts that were written in this round."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON object.")] = False,
) -> None:
    """Measure models, and those that they blend, or verdicts in files, on labelled articles or the contrast suite."""
    models, files = model or [], predictions or []
    _check_options(models, files, data, contrast=contrast, columns=columns, details=details, report=report)
    if not contrast and (families or suite_round is not None):
        raise ConfigError(f"{'--families' if families else '--round'} belongs to --contrast, which is not given")

    from fimiscope.cli.models import load_predictor
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.evaluation.evaluate import Evaluation, evaluate, evaluate_shortcuts, scorers
    from fimiscope.evaluation.report import Report
    from fimiscope.evaluation.rules import SHORTCUTS
    from fimiscope.evaluation.verdict_files import VerdictFile

    predictors = [load_predictor(one) for one in models]
    codebook = _one_codebook(predictors, data)
    read = [VerdictFile.read(path, codebook) for path in files]
    # A row of the user's own must not bear the name of a shortcut's.
    titles = _distinct([*SHORTCUTS, *_row_titles(predictors), *(one.name for one in read)])[len(SHORTCUTS) :]
    _check_places(output, report)
    corpus, test, dropped = _labelled(data, columns, codebook) if data else (None, (), ())
    titles, warnings = _with_what_they_learned(predictors, titles, test, corpus)
    titled = zip(predictors, titles, strict=False)
    measurable = [one for predictor, title in titled for one in scorers(predictor, title)]
    joined = [one.join(test) for one in read]
    with progress() as listen:
        evaluations = [evaluate(one, test, name=name, progress=listen) for name, one in measurable] if data else []
        measured = (
            _measure_contrast(measurable, corpus.part("train") if corpus else (), codebook, suite_round, listen)
            if contrast
            else []
        )
    for title, (verdicts, _) in zip(titles[len(predictors) :], joined, strict=True):
        evaluations.append(Evaluation.of(title, test, verdicts, codebook))
    named = [evaluation for evaluation in evaluations if evaluation.name in titles]
    if corpus is not None:
        evaluations += evaluate_shortcuts(corpus)
    made = None
    if evaluations and (report is not None or not as_json):
        threshold = predictors[0].threshold if predictors else None
        made = Report.of(
            *(evaluations, test, codebook),
            title=f"Results on {data}",
            texts=True,
            threshold=threshold,
            contrasts=measured,
        )
    remarks = [
        *(f"left out: {d.count} of {d.source}, {d.reason} (for example {', '.join(d.ids)})" for d in dropped),
        *(remark for _, found in joined for remark in found),
    ]
    for remark in remarks:
        console(stderr=as_json).print(remark, soft_wrap=True)
    for warning in warnings:
        console(stderr=True).print(warning, soft_wrap=True)
    if as_json:
        _print_json(evaluations, measured)
    else:
        for table in (
            *(_data_tables(made, details=named if details else []) if made else ()),
            *_contrast_tables(measured, families=families),
        ):
            show_table(table)
    # After the figures are shown, which took minutes: a file that cannot be written must not take them along.
    if output is not None:
        _write(output, evaluations, measured, test)
    if report is not None and made is not None:
        from fimiscope.output_files import one_line

        with one_line(report):
            report.write_text(made.to_html(), encoding="utf-8")
    for line in () if as_json else _places(output, report, data=bool(evaluations), contrast=bool(measured)):
        console().print(line)


def _check_options(
    models: Sequence[str],
    files: Sequence[Path],
    data: Path | None,
    *,
    contrast: bool,
    columns: str | None,
    details: bool,
    report: Path | None,
) -> None:
    if not models and not files:
        raise ConfigError("nothing to measure: give --model MODEL, --predictions FILE, or both")
    if files and data is None:
        raise ConfigError("--predictions belongs to --data, which is not given")
    if contrast and not models:
        raise ConfigError("--contrast measures models: give --model MODEL")
    if data is None and not contrast:
        raise ConfigError("nothing to measure on: give --data DATA, --contrast, or both")
    for option, given in (("--columns", columns), ("--details", details), ("--report", report)):
        if data is None and given:
            raise ConfigError(f"{option} belongs to --data, which is not given")


def _measure_contrast(
    models: Sequence[tuple[str, Predictor]],
    train: tuple[Example, ...],
    codebook: Codebook,
    only_round: int | None,
    listen: Progress,
) -> list[Contrast]:
    from fimiscope.evaluation.contrast import constant_rule, measure
    from fimiscope.evaluation.suite import Suite

    suite = Suite.load(codebook)
    if only_round is not None:
        suite = suite.of_round(only_round)
    measured = [measure(predictor, suite, name=name, progress=listen) for name, predictor in models]
    return [*measured, constant_rule(suite, codebook, train)]


def _data_tables(report: Report, *, details: Sequence[Evaluation]) -> Iterator[Table]:
    from fimiscope.evaluation.details import detail_tables

    yield report.counts
    yield report.results
    if report.differences is not None:
        yield report.differences
    if details:
        yield from detail_tables(details)


def _places(output: Path | None, report: Path | None, *, data: bool, contrast: bool) -> Iterator[str]:
    """Where to find what was written."""
    if output is not None:
        kinds = ["metrics, predictions and plots"] * data + ["contrast.json"] * contrast
        yield f"{' and '.join(kinds)} {'are' if data else 'is'} in {output}"
    if report is not None:
        yield f"the page to read is {report}"


def _contrast_tables(measured: Sequence[Contrast], *, families: bool) -> Iterator[Table]:
    from fimiscope.evaluation.contrast import contrast_table, family_table, repost_table

    if measured:
        yield contrast_table(measured)
    for one in measured[:-1] if families else ():
        yield family_table(one)
        yield repost_table(one)


def _print_json(evaluations: Sequence[Evaluation], measured: Sequence[Contrast]) -> None:
    import json

    figures = {evaluation.name: dict(evaluation.metrics) for evaluation in evaluations}
    for one in measured:
        mine = figures.setdefault(one.name, {})
        mine.update({f"contrast/{name}": value for name, value in one.metrics().items()})
    print(json.dumps(figures))


def _one_codebook(predictors: Sequence[Predictor], data: Path | None) -> Codebook:
    """That of the models; without any, that of the config, or the shipped one."""
    from fimiscope.codebook import Codebook
    from fimiscope.config import Config
    from fimiscope.errors import BundleError

    if not predictors:
        return Codebook.load(Config.load(data).codebook if data and _is_config(data) else None)
    first = predictors[0].bundle
    for other in predictors[1:]:
        if other.bundle.heads != first.heads:
            raise BundleError(
                f"bundle {other.bundle.manifest.name} was trained with other labels than {first.manifest.name}: "
                "measure them one by one"
            )
    return first.codebook


def _row_titles(predictors: Sequence[Predictor]) -> list[str]:
    """Names of the models, with the version where several share a name."""
    names = [predictor.bundle.manifest.name for predictor in predictors]
    versioned = [f"{p.bundle.manifest.name} {p.bundle.manifest.version}" for p in predictors]
    return [long if names.count(short) > 1 else short for short, long in zip(names, versioned, strict=True)]


def _distinct(titles: Sequence[str]) -> list[str]:
    return [
        f"{title} ({titles[: number + 1].count(title)})" if titles.count(title) > 1 else title
        for number, title in enumerate(titles)
    ]


def _with_what_they_learned(
    predictors: Sequence[Predictor], titles: Sequence[str], test: Sequence[Example], corpus: Corpus | None
) -> tuple[list[str], list[str]]:
    """The titles, those of the models first: each says from how many of the test texts its model learned; and warnings.

    `corpus` is the one whose test part the texts are, if they are one: a model of that very corpus learned from none.
    """
    from fimiscope.bundle.files import LEARNED
    from fimiscope.evaluation.evaluate import learned_from

    rows, warnings = [*titles], []
    for number, predictor in enumerate(predictors if test else ()):
        manifest, known = predictor.bundle.manifest, learned_from(predictor, test)
        if known:
            said = f"learned from {known} of these {len(test)} texts"
            rows[number] = f"{titles[number]} ({said})"
            warnings.append(f"{titles[number]} {said}: its figures do not say how it does on new ones")
        if LEARNED not in manifest.files and (corpus is None or manifest.corpus_digest != corpus.digest):
            asked = f"whether {titles[number]} learned from {'more of these' if known else 'these texts'}"
            warnings.append(f"{asked} is not known: its bundle does not list all that it learned from")
    return rows, warnings


def _labelled(
    data: Path, columns: str | None, codebook: Codebook
) -> tuple[Corpus | None, tuple[Example, ...], tuple[Dropped, ...]]:
    """The corpus (from which the shortcuts learn), where there is one, test texts, and what could not be used."""
    from fimiscope.cli.options import column_names
    from fimiscope.config import Config
    from fimiscope.corpus import read_labelled
    from fimiscope.errors import CorpusError
    from fimiscope.pipeline import load_corpus

    if _is_config(data):
        corpus = load_corpus(Config.load(data), codebook)
        test, dropped = corpus.part("test"), corpus.dropped
    else:
        corpus, (test, dropped) = None, read_labelled(data, column_names(columns), codebook=codebook)
    if not test:
        raise CorpusError(f"{data} holds no labelled texts to measure on")
    return corpus, test, dropped


def _is_config(data: Path) -> bool:
    return data.suffix in (".yaml", ".yml")


def _check_places(output: Path | None, report: Path | None) -> None:
    """Make the folders, and see that one can write there, before anything is scored, which can take minutes."""
    import os

    from fimiscope.errors import OutputError

    if report is not None and report.suffix != ".html":
        raise OutputError(f"--report {report}: give a file that ends in .html")
    for option, folder in (("--output", output), ("--report", report and report.parent)):
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{option} {folder}: no folder can be made there ({error.strerror})") from error
        if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{option} {folder}: you may not write there; name another folder")
    if report is not None and report.is_dir():
        raise OutputError(f"--report {report}: a folder bears that name; name another file")


def _write(
    folder: Path,
    evaluations: Sequence[Evaluation],
    measured: Sequence[Contrast],
    examples: tuple[Example, ...],
) -> None:
    from fimiscope.errors import OutputError

    try:
        if measured:
            _write_contrast(folder, measured)
        if evaluations:
            _write_evaluation(folder, evaluations[0], examples)
    except OSError as error:
        raise OutputError(f"--output {folder}: {error.filename} cannot be written ({error.strerror})") from error


def _write_contrast(folder: Path, measured: Sequence[Contrast]) -> None:
    import json

    document = {one.name: one.to_dict() for one in measured}
    (folder / "contrast.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_evaluation(folder: Path, evaluation: Evaluation, examples: tuple[Example, ...]) -> None:
    import json

    from fimiscope.evaluation.plots import confusion, precision_recall, reliability
    from fimiscope.evaluation.predictions import to_rows

    (folder / "metrics.json").write_text(json.dumps(evaluation.metrics, indent=1) + "\n", encoding="utf-8")
    rows = to_rows(examples, evaluation.verdicts, texts=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "predictions.jsonl").write_text("".join(lines), encoding="utf-8")
    confusion(evaluation.judged).savefig(folder / "confusion.png")
    precision_recall(evaluation.judged).savefig(folder / "precision_recall.png")
    reliability(evaluation.judged).savefig(folder / "reliability.png")
