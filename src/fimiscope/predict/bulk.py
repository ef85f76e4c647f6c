"""Scoring however many articles, in constant memory, so that nothing that was scored is ever lost.

The input is cut into parts. While one is scored, the next is read and the one before is stored; when all are stored,
the result is written from them and takes its place whole. A run that ended early, however it ended, is taken up by
the same command again, and gives the same bytes as one that ran through.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fimiscope.errors import OutputError
from fimiscope.predict.parts import Copy, Part, cut_parts
from fimiscope.predict.passages import passages
from fimiscope.predict.predictor import Examined, Predictor
from fimiscope.predict.quarantine import Quarantine
from fimiscope.predict.stages import ahead
from fimiscope.predict.standing import Standing, Tally, kinds_of
from fimiscope.predict.storing import Stored, rows_of, to_table
from fimiscope.predict.workspace import Workspace
from fimiscope.predict.writing import open_writer
from fimiscope.reading import Position
from fimiscope.records import Article, Unreadable, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

_PARTS_AHEAD = 2
_PARTS_REMEMBERED = 32
_BETWEEN_REPORTS = 0.2


Listener = Callable[[Standing], None]


class Engine(Protocol):
    """Scores parts."""

    def score(
        self, parts: Iterator[Part], folder: Path, heard: Callable[[Verdict], None]
    ) -> Iterator[tuple[Part, list[Verdict]]]:
        """The parts in their order, each with the verdicts on `Part.to_score`.

        Args:
            folder: where files may lie meanwhile.
            heard: told of each verdict as it comes, for progress.
        """


class LocalEngine:
    """Scores parts in this process."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def score(
        self,
        parts: Iterator[Part],
        folder: Path,  # noqa: ARG002
        heard: Callable[[Verdict], None],
    ) -> Iterator[tuple[Part, list[Verdict]]]:
        for part, prepared in ahead(self._prepared(parts), 1):
            verdicts = []
            for chunk in prepared:
                for verdict in self._predictor.verdicts(chunk):
                    verdicts.append(verdict)
                    heard(verdict)
            yield part, verdicts

    def _prepared(self, parts: Iterator[Part]) -> Iterator[tuple[Part, list[list[Examined | Unreadable]]]]:
        for part in parts:
            yield part, list(self._predictor.prepare(part.to_score))


def predict_in_bulk(
    predictor: Predictor,
    articles: Iterable[Article | Unreadable],
    output: Path | str,
    *,
    engine: Engine | None = None,
    position: Position | None = None,
    listen: Listener = lambda standing: None,
    each: Callable[[Verdict], None] = lambda verdict: None,
) -> Standing:
    """Write one verdict per article to `output`, in order, and what could not be read to the quarantine beside it.

    Args:
        engine: where the parts are scored; this process when absent.
        position: of the reading of `articles`, for the standing.
        listen: told of the standing now and then.
        each: told of every verdict, in input order, as the result is written.

    Raises:
        OutputError: the result cannot be written; parts that were scored are kept for the same command again.
    """
    target = Path(output).resolve()
    writing = open_writer(output, predictor.bundle.codebook)
    run = _Run(predictor, _open_workspace(target, predictor.job), position or Position(), listen)
    try:
        run.score(articles, engine or LocalEngine(predictor))
        with run.one_line(), Quarantine(target) as quarantine, writing as writer:
            for stored in run.rows():
                writer.write(stored.verdict, stored.passages)
                quarantine.add(stored)
                each(stored.verdict)
    except BaseException:
        run.leave()
        raise
    return run.close()


class _Run:
    """The parts of one run, on their way into the workspace and out of it."""

    def __init__(self, predictor: Predictor, workspace: Workspace, position: Position, listen: Listener) -> None:
        self._codebook = predictor.bundle.codebook
        self._workspace = workspace
        self._tally = Tally(position)
        self._listen = listen
        self._told = time.monotonic()
        self._parts = 0
        self._table = lru_cache(_PARTS_REMEMBERED)(self._read_table)

    def score(self, articles: Iterable[Article | Unreadable], engine: Engine) -> None:
        to_do = self._unfinished(ahead(self._read(articles), _PARTS_AHEAD))
        scored = ahead(engine.score(to_do, self._workspace.folder, self._heard), _PARTS_AHEAD)
        with self.one_line(), contextlib.closing(scored):
            for part, verdicts in scored:
                self._finish(part, verdicts)
                self._listen(self._tally.standing())

    def rows(self) -> Iterator[Stored]:
        for number in range(self._parts):
            yield from rows_of(self._read_table(number), self._codebook)

    def close(self) -> Standing:
        """Take the parts away, which are in the result now; how it stands in the end."""
        with self.one_line():
            self._workspace.remove()
        return self._tally.standing()

    def leave(self) -> None:
        """Let go of the workspace."""
        with contextlib.suppress(OSError):
            # What went wrong first is what the user must hear of.
            self._workspace.leave()

    @contextlib.contextmanager
    def one_line(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self._workspace.folder} cannot be written ({error.strerror or error}): what was scored before is "
                "kept; make room and run the same command again"
            ) from error

    def _read(self, articles: Iterable[Article | Unreadable]) -> Iterator[Part]:
        for part in cut_parts(articles):
            self._parts += 1
            self._tally.read(part.number)
            yield part

    def _unfinished(self, parts: Iterator[Part]) -> Iterator[Part]:
        for part in parts:
            finished = self._workspace.finished(part.number, part.digest)
            if finished is None:
                yield part
            else:
                self._tally.kept(part.number, finished.counts)

    def _heard(self, verdict: Verdict) -> None:
        self._tally.judged(verdict)
        if time.monotonic() - self._told > _BETWEEN_REPORTS:
            self._told = time.monotonic()
            self._listen(self._tally.standing())

    def _finish(self, part: Part, verdicts: list[Verdict]) -> None:
        """Put the copies in their places, and store the part."""
        fresh = iter(verdicts)
        rows: list[Stored] = []
        for item in part.items:
            if isinstance(item, Copy):
                rows.append(self._copied(item, part.number, rows))
                self._tally.copied(rows[-1].verdict)
            else:
                rows.append(_stored(item, next(fresh)))
        counts: Counter[str] = Counter(kind for row in rows for kind in kinds_of(row.verdict))
        self._workspace.finish(part.number, part.digest, to_table(rows, self._codebook), counts)
        self._tally.stored(part.number)

    def _copied(self, copy: Copy, current: int, rows: list[Stored]) -> Stored:
        """The row of the article that has this text, under the copy's own name."""
        if copy.part == current:
            original = rows[copy.row]
        else:
            [original] = rows_of(self._table(copy.part).slice(copy.row, 1), self._codebook)
        article = copy.article
        about: dict[str, str | None] = {name: getattr(article, name) for name in original.verdict.article}
        verdict = replace(original.verdict, id=article.id, article=about)
        return Stored(verdict, article.place, article.renamed, original.passages)

    def _read_table(self, part: int) -> pa.Table:
        import pyarrow.parquet as pq

        return pq.read_table(self._workspace.path(part))


def _stored(item: Article | Unreadable, verdict: Verdict) -> Stored:
    return Stored(verdict, item.place, item.renamed, passages(item, verdict) if isinstance(item, Article) else ())


def _open_workspace(target: Path, job: dict[str, Any]) -> Workspace:
    try:
        return Workspace.open(target, job)
    except OSError as error:
        raise OutputError(f"{target} cannot be written ({error.strerror or error})") from error
