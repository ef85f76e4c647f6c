"""The report as one self-contained page: nothing is loaded, stored or sent, and nothing in an article can run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fimiscope.bundle.decisions import PROBABILITY_DIGITS
from fimiscope.errors import MissingExtra
from fimiscope.evaluation.curves import epoch_table, precision_recall_curve, reliability_bins
from fimiscope.evaluation.evaluate import HEADLINES
from fimiscope.evaluation.judged import LIKELY
from fimiscope.evaluation.mistakes import ANNOTATED
from fimiscope.evaluation.report import charts
from fimiscope.evaluation.rules import SHORTCUTS
from fimiscope.predict.writing.words import asset as shared_asset
from fimiscope.predict.writing.words import words
from fimiscope.tables import Table
from fimiscope.web_page import json_for_script, policy_hash

if TYPE_CHECKING:
    from fimiscope.evaluation.report.report import Report

_SECOND_READER = "second reader"
_MOST_FAMILIES = 10


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline figure as it is told at the top; what is not known is empty."""

    title: str
    figure: str
    shortcut: str
    reader: str


def render(report: Report) -> str:
    """The page's source.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise MissingExtra("jinja2", "train") from error
    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = shared_asset("house.css") + _asset("page.css"), _asset("page.js")
    curve, bins = precision_recall_curve(report.model.judged), reliability_bins(report.model.judged)
    return environment.get_template("page.html").render(
        report=report,
        about=next((verdict.model for verdict in report.model.verdicts if verdict.model), {}),
        notice=words()["en"]["notice"],
        headlines=_headlines(report),
        shortcuts=SHORTCUTS,
        most_families=_MOST_FAMILIES,
        shortcut_results=_shortcut_results(report),
        second_reader=_SECOND_READER,
        annotated=ANNOTATED,
        likely=LIKELY,
        roles={entry.code: entry for entry in report.codebook.roles},
        narratives={entry.code: entry for entry in report.codebook.narratives},
        precision_recall=charts.precision_recall_chart(curve) if curve else None,
        reliability=charts.reliability_chart(bins) if bins else None,
        learning=charts.learning_charts(report.epochs) if report.epochs else (),
        epochs=epoch_table(report.epochs),
        width=charts.WIDTH,
        height=charts.HEIGHT,
        style=style,
        script=script,
        style_hash=policy_hash(style),
        script_hash=policy_hash(script),
        explorer=json_for_script(_explorer(report)),
    )


def _headlines(report: Report) -> list[Headline]:
    """The model's headline figures beside the best shortcut and the second reader."""
    results = report.results
    cells = {str(row[0]): dict(zip(results.columns, map(str, row), strict=True)) for row in results.rows}
    own, reader = cells[report.model.name], cells.get(_SECOND_READER, {})
    found = []
    for name, title in HEADLINES.items():
        rules = [one for one in report.evaluations if one.name in SHORTCUTS and name in one.metrics]
        best = max(rules, key=lambda one: one.metrics[name], default=None)
        shortcut = f"{best.metrics[name]:.2f} ({best.name})" if best else ""
        if own[title] != "–":
            found.append(Headline(title, own[title], shortcut, reader.get(title, "–").replace("–", "")))
    return found


def _shortcut_results(report: Report) -> Table:
    rows = tuple(row for row in report.results.rows if row[0] in SHORTCUTS)
    return Table("What shortcuts alone score", report.results.columns, rows)


def _explorer(report: Report) -> dict[str, Any]:
    """What the threshold explorer counts from: probability, gold flag and language of each text."""
    judged = report.model.judged
    languages = sorted(set(judged.languages))
    x, y = charts.unit_axes()
    return {
        "threshold": LIKELY if report.threshold is None else report.threshold,
        "base_rate": report.base_rate,
        "languages": languages,
        "texts": [
            (round(float(probability), PROBABILITY_DIGITS), int(gold), languages.index(language))
            for probability, gold, language, known in zip(
                judged.flag_probability, judged.flag, judged.languages, judged.flag_known, strict=True
            )
            if known
        ],
        "x": [x.place(0), x.place(1)],
        "y": [y.place(0), y.place(1)],
    }


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
