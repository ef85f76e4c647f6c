"""Windows: every token is read once, and every token knows its characters, in any script."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from fimiscope.bundle.windows import Window, WindowLayout, cut_windows, pad_windows

ARABIC = "قالت الحكومة إنّ الجسر الجديد سيُفتتح يوم الأحد، وإنّ التجّار ينتظرون منذ أشهر طويلة."
EMOJI = "Le marché 🧺🥭 rouvre demain 👩🏾‍🌾👍🏿, dit-on à Koudougou 🇧🇫 — c'est l'été."
PLAIN = "The bridge opens on Sunday, and the traders have waited for months."
TEXTS = (ARABIC, EMOJI, PLAIN)
SCRIPTS = st.text(st.sampled_from("abcé وقال الجسرُ🧺👍🏿🇧🇫‍ \n.,خß字"), max_size=200)


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", "<s>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


TOKENIZER = byte_level()


def layout(size: int = 20, overlap: int = 6, most: int = 1000) -> WindowLayout:
    return WindowLayout(size=size, overlap=overlap, most=most, before=(1, 7), after=(2,), pad=0)


def owned_ids(windows: tuple[Window, ...]) -> list[int]:
    return [int(i) for window in windows for i in window.ids[window.first : window.first + window.owned]]


@pytest.mark.parametrize("text", TEXTS)
def test_every_token_is_owned_once_and_in_order(text: str) -> None:
    expected = TOKENIZER.encode(text, add_special_tokens=False).ids
    cut = cut_windows(text, TOKENIZER, layout())
    assert len(cut.windows) > 1
    assert owned_ids(cut.windows) == expected
    assert cut.cut == 0


@settings(deadline=None, max_examples=60)
@given(text=SCRIPTS, size=st.integers(16, 40), overlap=st.integers(0, 8))
def test_windows_own_all_tokens_whatever_the_layout(text: str, size: int, overlap: int) -> None:
    shape = layout(size, overlap)
    expected = TOKENIZER.encode(text, add_special_tokens=False).ids
    cut = cut_windows(text, TOKENIZER, shape)
    assert owned_ids(cut.windows) == expected
    assert len(cut.offsets) == len(expected)
    assert [window.start for window in cut.windows] == [
        sum(w.owned for w in cut.windows[:number]) for number in range(len(cut.windows))
    ]
    for window in cut.windows:
        assert len(window.ids) <= shape.size
        assert tuple(window.ids[:2]) == shape.before
        assert tuple(window.ids[-1:]) == shape.after


@settings(deadline=None, max_examples=60)
@given(text=SCRIPTS)
def test_offsets_cover_every_character_that_is_read(text: str) -> None:
    offsets = cut_windows(text, TOKENIZER, layout()).offsets
    covered: set[int] = set()
    for start, end in offsets.tolist():
        assert 0 <= start < end <= len(text)
        covered.update(range(start, end))
    assert covered == set(range(len(text)))


@pytest.mark.parametrize("text", [ARABIC, EMOJI])
def test_token_characters_spell_the_text(text: str) -> None:
    """Several tokens may share one character of many bytes; none skips any, and order is that of reading."""
    spans = cut_windows(text, TOKENIZER, layout()).offsets.tolist()
    assert all(first[0] <= second[0] for first, second in pairwise(spans))
    distinct = list(dict.fromkeys(tuple(span) for span in spans))
    spelled, at = "", 0
    for start, end in distinct:
        spelled += text[max(start, at) : end]
        at = max(at, end)
    assert spelled == text


def test_neighbours_share_the_overlap() -> None:
    cut = cut_windows(ARABIC, TOKENIZER, layout(20, 6))
    for one, other in pairwise(cut.windows[:-1]):
        assert one.ids[-1 - 6 : -1].tolist() == other.ids[2 : 2 + 6].tolist()


def test_the_cap_counts_what_it_leaves_out() -> None:
    whole = cut_windows(ARABIC, TOKENIZER, layout())
    capped = cut_windows(ARABIC, TOKENIZER, layout(most=2))
    assert len(capped.windows) == 2
    assert capped.cut > 0
    assert len(capped.offsets) + capped.cut == len(whole.offsets)
    assert owned_ids(capped.windows) == owned_ids(whole.windows)[: len(capped.offsets)]


def test_an_empty_text_gives_one_window_that_owns_nothing() -> None:
    cut = cut_windows("", TOKENIZER, layout())
    assert [window.owned for window in cut.windows] == [0]
    assert cut.windows[0].ids.tolist() == [1, 7, 2]
    assert cut.offsets.shape == (0, 2)


def test_padding_fills_short_windows() -> None:
    windows = [Window(np.array(ids), 0, len(ids), 0) for ids in ([5, 6, 7], [8])]
    ids, mask = pad_windows(windows, pad=9)
    assert ids.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_layout_survives_its_file() -> None:
    assert WindowLayout.from_dict(layout().to_dict()) == layout()
