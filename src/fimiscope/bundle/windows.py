"""Windows over long articles: every token of an article is read, and each belongs to exactly one window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WindowLayout:
    """How token sequences are cut and framed.

    Attributes:
        size: tokens of a window, frame included.
        overlap: tokens that neighbouring windows share.
        most: windows read of one article.
        before, after: token ids that frame every window (start token and the encoder's prefix; end token).
        pad: id that fills shorter windows of a batch.
    """

    size: int
    overlap: int
    most: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    pad: int

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> WindowLayout:
        return cls(**{**document, "before": tuple(document["before"]), "after": tuple(document["after"])})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def room(self) -> int:
        """Tokens of the article that fit one window."""
        return self.size - len(self.before) - len(self.after)


@dataclass(frozen=True, slots=True)
class Window:
    """One window of an article.

    Attributes:
        ids: token ids, frame included, shape (tokens,).
        first: position in `ids` of the first token that this window owns.
        owned: how many tokens it owns; the rest of the overlap belongs to its neighbours.
        start: index in the article's token sequence of the first owned token.
    """

    ids: Ints
    first: int
    owned: int
    start: int


@dataclass(frozen=True, slots=True)
class Windowed:
    """An article's windows, with character offsets of the tokens that they own.

    Attributes:
        windows: in reading order; together they own tokens 0 to `len(offsets) - 1`.
        offsets: half-open character offsets into the document, shape (tokens, 2).
        cut: number of tokens beyond the cap of `WindowLayout.most` windows, which are not read.
    """

    windows: tuple[Window, ...]
    offsets: Ints
    cut: int


def cut_windows(text: str, tokenizer: Tokenizer, layout: WindowLayout) -> Windowed:
    """Tokenise `text` whole and cut it into windows by `layout`.

    A text without tokens gives one window that owns nothing.
    """
    encoding = tokenizer.encode(text, add_special_tokens=False)
    ids = np.asarray(encoding.ids, dtype=np.int64)
    offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    room, half = layout.room, layout.overlap // 2
    step = room - layout.overlap
    starts = [0]
    while starts[-1] + room < len(ids) and len(starts) < layout.most:
        starts.append(starts[-1] + step)
    read = min(len(ids), starts[-1] + room)
    windows = []
    for number, start in enumerate(starts):
        end = min(start + room, read)
        owned_from = start if number == 0 else start + half
        owned_to = end if number == len(starts) - 1 else starts[number + 1] + half
        framed = np.concatenate([layout.before, ids[start:end], layout.after]).astype(np.int64)
        windows.append(Window(framed, len(layout.before) + owned_from - start, owned_to - owned_from, owned_from))
    return Windowed(tuple(windows), offsets[:read], len(ids) - read)


def pad_windows(windows: Sequence[Window], pad: int) -> tuple[Ints, Ints]:
    """Token ids and attention mask of a batch, each of shape (windows, longest)."""
    longest = max(len(window.ids) for window in windows)
    ids = np.full((len(windows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(windows), longest), dtype=np.int64)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = window.ids
        mask[row, : len(window.ids)] = 1
    return ids, mask
