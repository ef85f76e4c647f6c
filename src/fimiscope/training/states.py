"""States of frozen layers, run once and kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
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
MOST_CACHED = 12
Ids = npt.NDArray[np.int64]
States = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class CachedStates:
    """States of many windows, end to end.

    Attributes:
        values: half precision, shape (tokens of all windows, hidden), mapped from disk.
        starts: where each window begins, shape (windows + 1,).
    """

    values: States
    starts: npt.NDArray[np.int64]

    def __getitem__(self, window: int) -> States:
        """States of one window, shape (tokens, hidden)."""
        return self.values[self.starts[window] : self.starts[window + 1]]


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
    """States of every window after `depth` frozen layers; computed once for the same weights, depth and windows.

    `layers` take token ids, or go on from the states `below`.
    """
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in windows])]).astype(np.int64)
    key = hashlib.sha256(f"{fingerprint} {depth} {hidden}".encode())
    for ids in windows:
        key.update(len(ids).to_bytes(4, "little") + ids.astype("<i4").tobytes())
    folder = cache_folder() / "states"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{key.hexdigest()[:32]}.npy"
    if not file.exists():
        draft = folder / f".{file.name}.{os.getpid()}"
        try:
            values = np.lib.format.open_memmap(draft, mode="w+", dtype=np.float16, shape=(int(starts[-1]), hidden))
            _run(layers, windows, below, starts, values, pad, progress)
            values.flush()
            del values
            draft.rename(file)
        finally:
            draft.unlink(missing_ok=True)
        _forget_oldest(folder)
    return CachedStates(np.load(file, mmap_mode="r", allow_pickle=False), starts)


def _run(
    layers: nn.Module,
    windows: Sequence[Ids],
    below: CachedStates | None,
    starts: npt.NDArray[np.int64],
    values: States,
    pad: int,
    progress: Progress,
) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layers.to(device).eval()
    order = sorted(range(len(windows)), key=lambda number: len(windows[number]))
    done = 0
    while done < len(order):
        longest = len(windows[order[min(done + MOST_WINDOWS, len(order)) - 1]])
        batch = order[done : done + min(MOST_WINDOWS, max(1, BATCH_TOKENS // longest))]
        inputs, mask = _padded(batch, windows, below, pad)
        with torch.inference_mode():
            states = layers(inputs.to(device), mask.to(device)).cpu().numpy()
        for row, number in enumerate(batch):
            values[starts[number] : starts[number + 1]] = states[row, : len(windows[number])]
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


def _forget_oldest(folder: Path) -> None:
    """Keep the newest few files: states are large and cheap to make again."""
    files = sorted(folder.glob("*.npy"), key=lambda file: -file.stat().st_mtime)
    for file in files[MOST_CACHED:]:
        file.unlink()
