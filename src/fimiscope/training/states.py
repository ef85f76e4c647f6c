"""States of frozen layers, run once and kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fimiscope.progress import Progress
from fimiscope.training.encoders.references import cache_folder
from fimiscope.training.model import LowerLayers

BATCH_TOKENS = 4096
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
    lower: LowerLayers, fingerprint: str, windows: Sequence[Ids], hidden: int, pad: int, *, progress: Progress
) -> CachedStates:
    """States of every window after the frozen layers; computed once for the same weights, depth and windows."""
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in windows])]).astype(np.int64)
    key = hashlib.sha256(f"{fingerprint} {len(lower.layers)} {hidden}".encode())
    for ids in windows:
        key.update(len(ids).to_bytes(4, "little") + ids.astype("<i4").tobytes())
    folder = cache_folder() / "states"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{key.hexdigest()[:32]}.npy"
    if not file.exists():
        draft = folder / f".{file.name}.{os.getpid()}"
        values = np.lib.format.open_memmap(draft, mode="w+", dtype=np.float16, shape=(int(starts[-1]), hidden))
        _run(lower, windows, starts, values, pad, progress)
        values.flush()
        del values
        draft.rename(file)
        _forget_oldest(folder)
    return CachedStates(np.load(file, mmap_mode="r", allow_pickle=False), starts)


def _run(
    lower: LowerLayers,
    windows: Sequence[Ids],
    starts: npt.NDArray[np.int64],
    values: States,
    pad: int,
    progress: Progress,
) -> None:
    device = next(lower.parameters()).device
    lower.eval()
    order = sorted(range(len(windows)), key=lambda number: len(windows[number]))
    done = 0
    while done < len(order):
        most = max(1, BATCH_TOKENS // len(windows[order[min(done + 31, len(order) - 1)]]))
        batch = order[done : done + min(most, 32)]
        longest = max(len(windows[number]) for number in batch)
        ids = torch.full((len(batch), longest), pad)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, number in enumerate(batch):
            length = len(windows[number])
            ids[row, :length] = torch.from_numpy(windows[number])
            mask[row, :length] = 1
        with torch.inference_mode():
            states = lower(ids.to(device), mask.to(device)).cpu().numpy()
        for row, number in enumerate(batch):
            values[starts[number] : starts[number + 1]] = states[row, : len(windows[number])]
        done += len(batch)
        progress("frozen layers", done, len(order))


def _forget_oldest(folder: os.PathLike[str]) -> None:
    """Keep the newest few files: states are large and cheap to make again."""
    files = sorted(
        (entry for entry in os.scandir(folder) if entry.name.endswith(".npy")), key=lambda e: -e.stat().st_mtime
    )
    for entry in files[MOST_CACHED:]:
        os.unlink(entry.path)
