"""States of frozen layers, run once for each window and kept on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fimiscope.cache import cache_folder
from fimiscope.progress import Progress

BATCH_TOKENS = 4096
MOST_WINDOWS = 32
MOST_STORES = 12
MOST_BYTES = 16 * 2**30
_VALUES, _INDEX = "values.f16", "index.sqlite"
_HALF = np.dtype("<f2")
Ids = npt.NDArray[np.int64]
States = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class CachedStates:
    """States of many windows.

    Attributes:
        values: half precision, shape (tokens of all windows kept so far, hidden), mapped from disk.
        starts: where each window begins, shape (windows,).
        lengths: how many tokens it has, shape (windows,).
    """

    values: States
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]

    def __getitem__(self, window: int) -> States:
        """States of one window, shape (tokens, hidden)."""
        start = self.starts[window]
        return self.values[start : start + self.lengths[window]]


def cached_states(
    layers: nn.Module,
    depth: int,
    fingerprint: str,
    windows: Sequence[Ids],
    hidden: int,
    pad: int,
    *,
    below: CachedStates | None = None,
    progress: Progress,
) -> CachedStates:
    """States of every window after `depth` frozen layers; each window is read once for the same weights and depth.

    `layers` take token ids, or go on from the states `below`. A pass that was stopped goes on where it stood; another
    split of the same texts, or part of them, finds its windows there.
    """
    stores = cache_folder() / "states"
    folder = stores / hashlib.sha256(f"{fingerprint} {depth} {hidden}".encode()).hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    digests = [hashlib.sha256(ids.astype("<i4").tobytes()).digest() for ids in windows]
    with _opened(folder) as store:
        known = store.places()
        if store.values.stat().st_size > MOST_BYTES and known.keys().isdisjoint(digests):
            store.empty()
            known = {}
        missing = list({digest: number for number, digest in enumerate(digests) if digest not in known}.values())
        if missing:
            _run(layers, windows, missing, below, digests, store, pad, progress)
            known = store.places()
    os.utime(folder)
    _forget_oldest(stores)
    places = np.array([known[digest] for digest in digests], dtype=np.int64).reshape(-1, 2)
    shape = (int(places.sum(axis=1).max()), hidden)
    values = np.memmap(folder / _VALUES, dtype=_HALF, mode="r", shape=shape)
    return CachedStates(values, places[:, 0], places[:, 1])


@dataclass(frozen=True, slots=True)
class _Store:
    """States end to end in one file, and an index that says where each window's begin; processes may share it."""

    values: Path
    index: sqlite3.Connection

    def places(self) -> dict[bytes, tuple[int, int]]:
        """First token and number of tokens of each window, by the digest of its ids."""
        found = self.index.execute("SELECT digest, start, length FROM window")
        return {digest: (start, length) for digest, start, length in found}

    def empty(self) -> None:
        """Forget all windows; whoever has the values mapped keeps what is mapped."""
        self.values.unlink()
        self.values.touch()
        self.index.execute("DELETE FROM window")

    def keep(self, digests: Sequence[bytes], states: Sequence[States]) -> None:
        """Add windows; what a killed process had half written is written over."""
        self.index.execute("BEGIN IMMEDIATE")
        try:
            (end,) = self.index.execute("SELECT coalesce(max(start + length), 0) FROM window").fetchone()
            with self.values.open("r+b") as file:
                file.seek(end * states[0].shape[1] * _HALF.itemsize)
                for digest, values in zip(digests, states, strict=True):
                    file.write(np.ascontiguousarray(values, dtype=_HALF).tobytes())
                    self.index.execute("INSERT OR IGNORE INTO window VALUES (?, ?, ?)", (digest, end, len(values)))
                    end += len(values)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self.index.execute("ROLLBACK")
            raise
        self.index.execute("COMMIT")


@contextmanager
def _opened(folder: Path) -> Iterator[_Store]:
    with closing(sqlite3.connect(folder / _INDEX, timeout=60, isolation_level=None)) as index:
        index.execute("CREATE TABLE IF NOT EXISTS window (digest BLOB PRIMARY KEY, start INTEGER, length INTEGER)")
        (folder / _VALUES).touch()
        yield _Store(folder / _VALUES, index)


def _run(
    layers: nn.Module,
    windows: Sequence[Ids],
    missing: Sequence[int],
    below: CachedStates | None,
    digests: Sequence[bytes],
    store: _Store,
    pad: int,
    progress: Progress,
) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layers.to(device).eval()
    order = sorted(missing, key=lambda number: len(windows[number]))
    done = 0
    while done < len(order):
        longest = len(windows[order[min(done + MOST_WINDOWS, len(order)) - 1]])
        batch = order[done : done + min(MOST_WINDOWS, max(1, BATCH_TOKENS // longest))]
        inputs, mask = _padded(batch, windows, below, pad)
        with torch.inference_mode():
            states = layers(inputs.to(device), mask.to(device)).cpu().numpy()
        own = [states[row, : len(windows[number])] for row, number in enumerate(batch)]
        store.keep([digests[number] for number in batch], own)
        done += len(batch)
        progress("frozen layers", done, len(order))
    layers.to("cpu")


def _padded(batch: list[int], windows: Sequence[Ids], below: CachedStates | None, pad: int) -> tuple[Tensor, Tensor]:
    longest = max(len(windows[number]) for number in batch)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    if below is None:
        inputs = torch.full((len(batch), longest), pad)
    else:
        inputs = torch.zeros((len(batch), longest, below.values.shape[1]))
    for row, number in enumerate(batch):
        source = windows[number] if below is None else below[number].astype(np.float32)
        inputs[row, : len(source)] = torch.from_numpy(source)
        mask[row, : len(source)] = 1
    return inputs, mask


def _forget_oldest(stores: Path) -> None:
    """Keep the stores used last: states are large and cheap to make again."""
    folders = sorted(stores.iterdir(), key=_last_use, reverse=True)
    for folder in folders[MOST_STORES:]:
        shutil.rmtree(folder, ignore_errors=True)


def _last_use(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        # Another process has just forgotten it.
        return 0
