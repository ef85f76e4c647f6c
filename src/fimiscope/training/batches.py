"""Articles as the Trainer's table, and batches of their windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from fimiscope.bundle.windows import Windowed, WindowLayout, cut_windows, pad_windows
from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.progress import Progress
from fimiscope.training.states import CachedStates
from fimiscope.training.targets import Targets, evidence_targets, targets_of

if TYPE_CHECKING:
    from datasets import Dataset

READ_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Prepared:
    """Examples cut into windows, with their gold labels.

    Attributes:
        articles: windows of each article.
        evidence: gold evidence of each article's tokens, NaN where unknown.
        targets: gold labels, row by row.
    """

    articles: tuple[Windowed, ...]
    evidence: tuple[npt.NDArray[np.float32], ...]
    targets: Targets

    def window_ids(self) -> list[npt.NDArray[np.int64]]:
        """Token ids of all windows, article by article."""
        return [window.ids for article in self.articles for window in article.windows]


def prepare(examples: Sequence[Example], tokenizer: Tokenizer, layout: WindowLayout, codebook: Codebook) -> Prepared:
    """Clean, tokenise and cut examples as predicting will, up to the characters that their labels cover."""
    articles, evidence = [], []
    for example in examples:
        document = example.document()
        windowed = cut_windows(document.text, tokenizer, layout)
        articles.append(windowed)
        evidence.append(evidence_targets(document, windowed.offsets, example.labels, codebook))
    return Prepared(tuple(articles), tuple(evidence), targets_of(examples, codebook))


def training_table(prepared: Prepared, rows: Sequence[int]) -> Dataset:
    """The Trainer's table: which prepared article, and its length, by which batches are formed."""
    from datasets import Dataset

    lengths = [sum(len(window.ids) for window in prepared.articles[row].windows) for row in rows]
    return Dataset.from_dict({"row": list(rows), "length": lengths})


class Collator:
    """Pads the windows of some articles into one batch; with cached states, the frozen layers need not run again."""

    def __init__(self, prepared: Prepared, pad: int, states: CachedStates | None = None) -> None:
        self._prepared = prepared
        self._pad = pad
        self._states = states
        counts = [len(article.windows) for article in prepared.articles]
        self._first_window = np.concatenate([[0], np.cumsum(counts)]).astype(int)

    def __call__(self, items: Sequence[dict[str, int]]) -> dict[str, Tensor]:
        rows = [item["row"] for item in items]
        windows = [(row, window) for row in rows for window in self._prepared.articles[row].windows]
        ids, mask = pad_windows([window for _, window in windows], self._pad)
        owned = np.zeros(ids.shape, dtype=bool)
        evidence = np.full(ids.shape, np.nan, dtype=np.float32)
        for line, (row, window) in enumerate(windows):
            place = slice(window.first, window.first + window.owned)
            owned[line, place] = True
            evidence[line, place] = self._prepared.evidence[row][window.start : window.start + window.owned]
        targets = self._prepared.targets
        article = np.repeat(np.arange(len(rows)), [len(self._prepared.articles[row].windows) for row in rows])
        return {
            "row": torch.tensor(rows),
            "weight": torch.from_numpy(targets.weight[rows]),
            "values": torch.from_numpy(targets.values[rows]),
            "known": torch.from_numpy(targets.known[rows]),
            "inputs": torch.from_numpy(ids) if self._states is None else self._padded_states(rows, ids.shape[1]),
            "mask": torch.from_numpy(mask),
            "owned": torch.from_numpy(owned),
            "article": torch.from_numpy(article),
            "evidence": torch.from_numpy(evidence),
        }

    def _padded_states(self, rows: Sequence[int], longest: int) -> Tensor:
        assert self._states is not None
        numbers = [n for row in rows for n in range(self._first_window[row], self._first_window[row + 1])]
        padded = np.zeros((len(numbers), longest, self._states.values.shape[1]), dtype=np.float32)
        for line, number in enumerate(numbers):
            state = self._states[number]
            padded[line, : len(state)] = state
        return torch.from_numpy(padded)


def read_in_batches(
    network: nn.Module,
    read: Callable[[dict[str, Tensor]], Tensor],
    collator: Collator,
    rows: range,
    *,
    stage: str,
    progress: Progress,
) -> npt.NDArray[np.float32]:
    """What `read` gives for the articles `rows` by the trained `network`, a few at a time; shape (articles, …)."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for start in range(0, len(rows), READ_AT_ONCE):
        chosen = rows[start : start + READ_AT_ONCE]
        batch = collator([{"row": row} for row in chosen])
        with torch.inference_mode():
            found.append(read({name: value.to(device) for name, value in batch.items()}).float().cpu().numpy())
        progress(stage, start + len(chosen), len(rows))
    return np.concatenate(found)
