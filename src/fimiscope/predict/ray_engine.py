"""Scoring parts on a Ray cluster, as a Ray Data pipeline over the same predictor.

Each part becomes a parquet file, each worker scores one part at a time, and the verdicts come back in the parts' order.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.codebook import Codebook
from fimiscope.errors import ConfigError, MissingExtra
from fimiscope.predict.parts import Part
from fimiscope.predict.predictor import Predictor
from fimiscope.predict.storing import Stored, rows_of, to_table
from fimiscope.records import Verdict

if TYPE_CHECKING:
    import pyarrow as pa


class RayEngine:
    """Scores parts by a pool of Ray actors, each with a predictor of its own.

    Args:
        load: makes a worker's predictor; it must find the model's files on every machine of the cluster.
        codebook: of that model.
        address: of a running cluster (`auto`, `ray://host:10001`); a cluster on this machine when absent.
        workers: size of the pool; as many as the cluster has cores when absent.

    Raises:
        MissingExtra: ray is not installed.
        ConfigError: no cluster answers at the address.
    """

    def __init__(
        self,
        load: Callable[[], Predictor],
        codebook: Codebook,
        *,
        address: str | None = None,
        workers: int | None = None,
    ) -> None:
        # Ray would tell its makers that it is used, and the user of matters inside it.
        for name, value in (("RAY_USAGE_STATS_ENABLED", "0"), ("RAY_BACKEND_LOG_LEVEL", "fatal")):
            os.environ.setdefault(name, value)
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtra("ray", "ray") from error
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        dashboard = False if address is None else None
        try:
            ray.init(address, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=dashboard)
        except (ConnectionError, OSError, ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())[:200]
            raise ConfigError(f"no Ray cluster answers at {address or 'this machine'} ({said})") from error
        self._load = load
        self._codebook = codebook
        self._workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def score(
        self, parts: Iterator[Part], folder: Path, heard: Callable[[Verdict], None]
    ) -> Iterator[tuple[Part, list[Verdict]]]:
        """Score parts, by way of files in `folder`, which every machine of the cluster sees under that path."""
        import ray.data

        paths = [_write(part, folder / f"to-do-{part.number:06}.parquet") for part in parts]
        if not paths:
            return
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        parts_to_do = [{"path": str(path)} for path in paths]
        scored = ray.data.from_items(parts_to_do, override_num_blocks=len(paths)).map_batches(
            _worker(self._load),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(self._workers, len(paths))),
            num_cpus=1,
        )
        for row, path in zip(_in_one_line(scored.iter_rows()), paths, strict=True):
            verdicts = [stored.verdict for stored in rows_of(_table_in(row["verdicts"]), self._codebook)]
            for verdict in verdicts:
                heard(verdict)
            yield _read(path), verdicts
            path.unlink()


def _in_one_line(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from ray.exceptions import RayError

    try:
        yield from rows
    except RayError as error:
        said = " ".join(str(error.__cause__ or error).split())[-300:]
        raise ConfigError(
            f"a worker of the Ray cluster failed ({type(error).__name__}: …{said}): see that every node has fimiscope, "
            "the model under the same path, and memory enough"
        ) from error


def _worker(load: Callable[[], Predictor]) -> type:
    """A class of which each actor makes one object; it travels with `load` in it."""

    class Worker:
        def __init__(self) -> None:
            self._predictor = load()

        def __call__(self, batch: pa.Table) -> pa.Table:
            import pyarrow as pa

            tables = []
            for path in batch["path"].to_pylist():
                verdicts = self._predictor.predict(_read(Path(path)).to_score)
                rows = (Stored(verdict) for verdict in verdicts)
                tables.append(_bytes_of(to_table(rows, self._predictor.bundle.codebook)))
            return pa.table({"path": batch["path"], "verdicts": pa.array(tables, pa.large_binary())})

    return Worker


def _write(part: Part, path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    facts = {"number": str(part.number), "digest": part.digest}
    pq.write_table(pa.Table.from_batches([part.batch]).replace_schema_metadata(facts), path)
    return path


def _read(path: Path) -> Part:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    facts = table.schema.metadata
    [batch] = table.replace_schema_metadata(None).combine_chunks().to_batches()
    return Part(int(facts[b"number"]), batch, facts[b"digest"].decode())


def _bytes_of(table: pa.Table) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _table_in(data: bytes) -> pa.Table:
    import pyarrow as pa

    return pa.ipc.open_stream(data).read_all()
