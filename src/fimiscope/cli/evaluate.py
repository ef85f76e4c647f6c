"""`fimiscope evaluate --model MODEL --data DATA`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fimiscope.codebook import Codebook
    from fimiscope.corpus import Dropped, Example
    from fimiscope.evaluation import Evaluation
    from fimiscope.predict import Predictor


def evaluate_command(
    model: Annotated[
        list[str],
        typer.Option(
            "--model", help="Bundle folder or registered model; repeat to compare, the first against the others."
        ),
    ],
    data: Annotated[
        Path, typer.Option("--data", help="Labelled jsonl, csv or parquet; or a config, for its held-out part.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for metrics.json, predictions.jsonl and plots.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Other column names in DATA: text=Body,role=Label.")
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Print every figure of the first model.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON object.")] = False,
) -> None:
    """Measure models, and the models that they blend, on labelled articles: 95 % intervals, paired differences."""
    from fimiscope.cli.models import load_predictor
    from fimiscope.cli.show import console, progress, show_table
    from fimiscope.evaluation.evaluate import count_table, detail_table, evaluate, paired_table, results_table

    predictors = [load_predictor(one) for one in model]
    codebook = _one_codebook(predictors)
    train, test, dropped = _labelled(data, columns, codebook)
    evaluations: list[Evaluation] = []
    with progress() as listen:
        for predictor, name in zip(predictors, _row_titles(predictors), strict=True):
            evaluations.append(evaluate(predictor, test, name=name, progress=listen))
            evaluations.extend(
                evaluate(apart, test, name=f"{name}: {apart.scorer} alone", progress=listen)
                for apart in predictor.apart()
            )
    if train:
        evaluations.append(_origin_rule(train, test, codebook))
    if output is not None:
        _write(output, evaluations[0], test, codebook)
    for one in dropped:
        remark = f"left out: {one.count} of {one.source}, {one.reason} (for example {', '.join(one.ids)})"
        console(stderr=as_json).print(remark, soft_wrap=True)
    if as_json:
        import json

        print(json.dumps({evaluation.name: evaluation.metrics for evaluation in evaluations}))
        return
    out = console()
    show_table(count_table(test, codebook), to=out)
    show_table(results_table(evaluations, codebook, title=f"Results on {data}"), to=out)
    if len(evaluations) > 1:
        show_table(paired_table(evaluations, codebook), to=out)
    if details:
        show_table(detail_table(evaluations[0]), to=out)
    if output is not None:
        out.print(f"metrics, predictions and plots are in {output}")


def _one_codebook(predictors: list[Predictor]) -> Codebook:
    from fimiscope.errors import BundleError

    first = predictors[0].bundle
    for other in predictors[1:]:
        if other.bundle.heads != first.heads:
            raise BundleError(
                f"bundle {other.bundle.manifest.name} was trained with other labels than {first.manifest.name}: "
                "measure them one by one"
            )
    return first.codebook


def _row_titles(predictors: list[Predictor]) -> list[str]:
    """Names of the models, with the version where several share a name, and a number where even that is the same."""
    names = [predictor.bundle.manifest.name for predictor in predictors]
    versioned = [f"{p.bundle.manifest.name} {p.bundle.manifest.version}" for p in predictors]
    titles = [long if names.count(short) > 1 else short for short, long in zip(names, versioned, strict=True)]
    return [
        f"{title} ({titles[: number + 1].count(title)})" if titles.count(title) > 1 else title
        for number, title in enumerate(titles)
    ]


def _labelled(
    data: Path, columns: str | None, codebook: Codebook
) -> tuple[tuple[Example, ...], tuple[Example, ...], tuple[Dropped, ...]]:
    """Training texts (for the rule that knows the origin alone), test texts, and what could not be used."""
    from fimiscope.cli.options import column_names
    from fimiscope.config import Config
    from fimiscope.corpus import read_labelled
    from fimiscope.errors import CorpusError
    from fimiscope.pipeline import load_corpus

    if data.suffix in (".yaml", ".yml"):
        corpus = load_corpus(Config.load(data), codebook)
        train, test, dropped = corpus.part("train"), corpus.part("test"), corpus.dropped
    else:
        train, (test, dropped) = (), read_labelled(data, column_names(columns), codebook=codebook)
    if not test:
        raise CorpusError(f"{data} holds no labelled texts to measure on")
    return train, test, dropped


def _origin_rule(train: tuple[Example, ...], test: tuple[Example, ...], codebook: Codebook) -> Evaluation:
    from fimiscope.evaluation import Evaluation
    from fimiscope.evaluation.rules import origin_rule

    return Evaluation.of("origin rule", test, origin_rule(train, test, codebook), codebook)


def _write(folder: Path, evaluation: Evaluation, examples: tuple[Example, ...], codebook: Codebook) -> None:
    import json

    from fimiscope.evaluation.plots import confusion, precision_recall, reliability
    from fimiscope.evaluation.predictions import to_rows

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(evaluation.metrics, indent=1) + "\n", encoding="utf-8")
    rows = to_rows(examples, evaluation.verdicts, texts=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "predictions.jsonl").write_text("".join(lines), encoding="utf-8")
    confusion(evaluation.judged, codebook).savefig(folder / "confusion.png")
    precision_recall(evaluation.judged).savefig(folder / "precision_recall.png")
    reliability(evaluation.judged).savefig(folder / "reliability.png")
