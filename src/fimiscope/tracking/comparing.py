"""Two runs on the same articles, from what they logged: how far apart they are, whether that is real, what flipped."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.codebook import Codebook
from fimiscope.errors import TrackingError
from fimiscope.evaluation.evaluate import HEADLINES
from fimiscope.evaluation.flips import Flip, counted, flips
from fimiscope.evaluation.intervals import Difference, differences
from fimiscope.evaluation.metrics import headline
from fimiscope.evaluation.notes import FIGURE, told
from fimiscope.evaluation.predictions import from_rows
from fimiscope.tables import Cell, Table
from fimiscope.tracking.listing import SHOWN_OF_IDS, ListedRun, listed
from fimiscope.tracking.parent_run import CHILDREN
from fimiscope.tracking.run import CODEBOOK, PREDICTIONS
from fimiscope.tracking.store import connect_to_existing, reported
from fimiscope.tracking.study_run import STATE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_ID_LENGTH = 32
_FEWEST_OF_ID = 4
_WORDS_SHOWN = 80
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flipped:
    """An article of which the two models say something different.

    Attributes:
        evidence: what the first and the second model rest their role on, strongest first: places in the article, and
            their words where the runs logged them.
    """

    id: str
    source: str
    flip: Flip
    evidence: tuple[Sequence[Row], Sequence[Row]]

    def to_dict(self) -> dict[str, Any]:
        flip = {name: value for name, value in asdict(self.flip).items() if name != "row"}
        first, second = self.evidence
        return {"id": self.id, "source": self.source, **flip, "evidence": {"first": first, "second": second}}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs that were measured on the same articles.

    Attributes:
        texts: number of these articles.
        figures: of the first and the second run.
        differences: figures of the first minus those of the second.
        flipped: every article of which the two say something different.
        sentence: whether the difference is real.
    """

    first: ListedRun
    second: ListedRun
    texts: int
    figures: tuple[Mapping[str, float], Mapping[str, float]]
    differences: Mapping[str, Difference]
    flipped: tuple[Flipped, ...]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        runs = {"first": self.first, "second": self.second}
        return {
            **{place: {"run": run.run_id, "name": run.name} for place, run in runs.items()},
            "test_digest": self.first.held_out,
            "texts": self.texts,
            "differences": {
                name: {"first": self.figures[0][name], "second": self.figures[1][name]}
                | {"difference": found.interval.value, "p": found.p, "real": found.real}
                | ({"low": found.interval.low, "high": found.interval.high} if found.interval.bounded else {})
                for name, found in sorted(self.differences.items())
            },
            "flips": counted([one.flip for one in self.flipped]),
            "flipped": [one.to_dict() for one in self.flipped],
            "sentence": self.sentence,
        }

    def difference_table(self) -> Table:
        """The headline figures of both runs, and their paired difference."""
        rows: list[tuple[Cell, ...]] = []
        for name, title in {FIGURE: HEADLINES[FIGURE], **HEADLINES}.items():
            if name in self.differences:
                found = self.differences[name]
                values = [f"{figures[name]:.3f}" for figures in self.figures]
                difference = found.interval.shown("+.3f") + (" *" if found.real else "")
                rows.append((title, *values, difference, found.p_told.removeprefix("= ")))
        columns = ("figure", "first", "second", "first − second", "p")
        title = f"{_titled(self.first)} (first) and {_titled(self.second)} (second) on {self.texts} texts"
        return Table(title, columns, tuple(rows), "* the 95 % interval does not hold 0")

    def flip_table(self, most: int) -> Table:
        """What flipped, as far as `most` articles, with the strongest evidence of either model."""
        counts = counted([one.flip for one in self.flipped])
        said = "; ".join(
            f"{what}: {count['first']} right in the first alone, {count['second']} in the second alone"
            + (f", {count['neither']} in neither" if count["neither"] else "")
            for what, count in counts.items()
        )
        rows = [
            (one.id, one.source, one.flip.what, one.flip.gold, one.flip.first, one.flip.second, one.flip.right, words)
            for one in self.flipped[:most]
            for words in [_words(one.evidence)]
        ]
        columns = ("article", "source", "what", "gold", "first", "second", "right", "evidence")
        left = len(self.flipped) - len(rows)
        return Table(f"What flipped ({said})", columns, tuple(rows), f"and {left} more (--json)" if left > 0 else "")


def compare_runs(first: str, second: str) -> Comparison:
    """Compare two runs by the predictions that they logged.

    Args:
        first, second: id, the beginning of an id (four characters or more), or the name of a finished run that no
            other bears.

    Raises:
        TrackingError: a run is not found or not meant alone, holds no predictions, or the two were measured on
            different articles or by different codebooks.
    """
    client = connect_to_existing()
    with reported(f"runs {first} and {second} cannot be compared"):
        runs = [find_run(client, said) for said in (first, second)]
        _check(client, runs)
        documents, rows = zip(*(logged_predictions(client, run) for run in runs), strict=True)
    codebooks = [Codebook.from_dict(document) for document in documents]
    if codebooks[0].rules != codebooks[1].rules:
        raise TrackingError(f"runs {first} and {second} have different codebooks: their labels do not compare")
    judged = [from_rows(one, codebooks[0]) for one in rows]
    found = differences(*judged)
    flipped = tuple(
        Flipped(judged[0].ids[flip.row], judged[0].sources[flip.row], flip, (pieces[0], pieces[1]))
        for flip in flips(*judged)
        for pieces in [[_pieces(one[flip.row]) for one in rows]]
    )
    mine, theirs = map(listed, runs)
    sentence = told(_titled(mine), _titled(theirs), found, len(judged[0]))
    figures = (headline(judged[0]), headline(judged[1]))
    return Comparison(mine, theirs, len(judged[0]), figures, found, flipped, sentence)


def find_run(client: MlflowClient, said: str) -> Run:
    """The run of an id, of the beginning of an id, or of the name of a finished run.

    Raises:
        TrackingError: it is not there, or not meant alone.
    """
    if "'" in said or "\\" in said:
        raise TrackingError(f"run {said} is not in the store: `fimiscope runs` lists what is there")
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(experiments, f"attributes.run_id = '{said}'") if len(said) == _ID_LENGTH else []
    if not runs and len(said) >= _FEWEST_OF_ID and "%" not in said and "_" not in said:
        runs = client.search_runs(experiments, f"attributes.run_id LIKE '{said}%'")
    if not runs:
        runs = client.search_runs(experiments, f"attributes.run_name = '{said}' and attributes.status = 'FINISHED'")
    if not runs:
        raise TrackingError(f"run {said} is not in the store: `fimiscope runs` lists what is there")
    if len(runs) > 1:
        known = ", ".join(run.info.run_id[: 2 * SHOWN_OF_IDS] for run in runs[:5])
        raise TrackingError(f"run {said} could be any of {len(runs)} ({known}{', …' * (len(runs) > 5)}): give its id")
    return runs[0]


def _check(client: MlflowClient, runs: Sequence[Run]) -> None:
    described = [listed(run) for run in runs]
    for found, run in zip(runs, described, strict=True):
        tags = found.data.tags
        if CHILDREN in tags:
            query = f"tags.mlflow.parentRunId = '{run.run_id}'"
            below = client.search_runs([found.info.experiment_id], query)
            children = ", ".join(one.info.run_id[:SHOWN_OF_IDS] for one in below) or "none stands below it"
            kind = "the mean" if run.mean_of else "a learning curve"
            raise TrackingError(f"run {_titled(run)} is {kind} of {tags[CHILDREN]}: compare one of them ({children})")
        if STATE in tags:
            raise TrackingError(
                f"run {_titled(run)} is part of a search on the validation part, which never sees the test part: train "
                "the config that the search found, and compare that run"
            )
        if PREDICTIONS not in {file.path for file in client.list_artifacts(run.run_id)} or run.held_out is None:
            raise TrackingError(
                f"run {_titled(run)} ({run.status.lower()}) holds no predictions that can be compared: train it again"
            )
    first, second = described
    if first.held_out != second.held_out:
        digests = " and ".join(str(run.held_out)[:SHOWN_OF_IDS] for run in described)
        raise TrackingError(
            f"runs {_titled(first)} and {_titled(second)} were measured on different articles (test digests {digests}):"
            " figures compare on the same held-out part alone; measure both models on one, by `fimiscope evaluate`"
        )


def logged_predictions(client: MlflowClient, run: Run) -> tuple[Any, list[Row]]:
    """The codebook and the predictions of a run, in an order that does not depend on its config."""
    codebook, table = (logged_json(client, run, name) for name in (CODEBOOK, PREDICTIONS))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    return codebook, sorted(rows, key=lambda row: (row["source"], row["id"]))


def logged_json(client: MlflowClient, run: Run, name: str) -> Any:
    """The document that a run logged as the artifact `name`."""
    with tempfile.TemporaryDirectory(prefix="fimiscope-") as folder:
        return json.loads(Path(client.download_artifacts(run.info.run_id, name, folder)).read_text(encoding="utf-8"))


def _pieces(row: Row) -> list[Row]:
    pieces: list[Row] = json.loads(row["evidence"] or "[]")
    return sorted((piece for piece in pieces if piece["head"] == "role"), key=lambda piece: -piece["score"])


def _words(evidence: tuple[Sequence[Row], Sequence[Row]]) -> str:
    """The strongest piece of each model, once where it is the same."""
    strongest = [pieces[0] for pieces in evidence if pieces]
    places = [f"{piece['field']} {piece['start']}–{piece['end']}" for piece in strongest]
    told = dict(zip(places, strongest, strict=True))
    return "; ".join(_cut(" ".join(piece.get("text", place).split())) for place, piece in told.items()) or "–"


def _cut(words: str) -> str:
    return words if len(words) <= _WORDS_SHOWN else f"{words[: _WORDS_SHOWN - 1]}…"


def _titled(run: ListedRun) -> str:
    return f"{run.name} {run.run_id[:SHOWN_OF_IDS]}"
