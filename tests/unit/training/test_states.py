"""Frozen layers run once: what is kept is what they say, and it is found again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from fimiscope.training import states
from fimiscope.training.encoders import resolve
from fimiscope.training.model import LowerLayers, UpperLayers
from fimiscope.training.states import MOST_STORES, cached_states


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and the tiny encoder's weights from the common one."""
    monkeypatch.setenv("FIMISCOPE_CACHE", str(tmp_path))
    return tmp_path / "states"


@pytest.fixture(scope="module")
def lower() -> LowerLayers:
    return LowerLayers(resolve("tiny").model(), 1).eval()


def windows(*lengths: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(5, 300, length) for length in lengths]


def kept(
    lower: LowerLayers, ids: list[np.ndarray], told: list[int] | None = None, *, depth: int = 1
) -> list[np.ndarray]:
    steps = told if told is not None else []
    found = cached_states(lower, depth, "weights", ids, 32, 0, progress=lambda _, done, total: steps.append(done))
    return [np.array(found[number]) for number in range(len(ids))]


def test_states_are_those_of_each_window_alone(lower: LowerLayers, cache: Path) -> None:
    ids = windows(40, 3, 90, 17, 3)
    for window, own in zip(ids, kept(lower, ids), strict=True):
        alone = torch.from_numpy(window)[None]
        with torch.inference_mode():
            expected = lower(alone, torch.ones_like(alone))[0].numpy()
        np.testing.assert_allclose(own, expected, atol=4e-3)


def test_states_are_computed_once(lower: LowerLayers, cache: Path) -> None:
    ids, first, again = windows(10, 20), [], []
    one = kept(lower, ids, first)
    other = kept(lower, ids, again)
    assert first
    assert not again
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert len(list(cache.iterdir())) == 1


def test_another_split_of_the_same_texts_finds_its_windows(lower: LowerLayers, cache: Path) -> None:
    ids, told = windows(10, 20, 30), []
    first = kept(lower, ids[:2])
    again = kept(lower, [ids[2], ids[1], ids[2]], told)
    assert told == [1]
    assert np.array_equal(again[1], first[1])
    assert np.array_equal(again[0], again[2])


def test_other_depths_have_states_of_their_own(lower: LowerLayers, cache: Path) -> None:
    ids, told = windows(10, 20), []
    kept(lower, ids)
    kept(LowerLayers(resolve("tiny").model(), 2).eval(), ids, told, depth=2)
    assert told
    assert len(list(cache.iterdir())) == 2


def test_an_interrupted_pass_goes_on_where_it_stood(
    lower: LowerLayers, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(states, "MOST_WINDOWS", 1)
    ids = windows(10, 20)
    with pytest.raises(KeyboardInterrupt):
        cached_states(lower, 1, "weights", ids, 32, 0, progress=stop)
    told: list[int] = []
    kept(lower, ids, told)
    assert told == [1]


def test_what_a_killed_process_had_half_written_is_written_over(lower: LowerLayers, cache: Path) -> None:
    ids = windows(10, 20)
    kept(lower, ids[:1])
    (values,) = cache.glob("*/values.f16")
    with values.open("ab") as file:
        file.write(b"half of a window")
    both = kept(lower, ids)
    alone = torch.from_numpy(ids[1])[None]
    with torch.inference_mode():
        np.testing.assert_allclose(both[1], lower(alone, torch.ones_like(alone))[0].numpy(), atol=4e-3)


def test_only_the_stores_used_last_are_kept(lower: LowerLayers, cache: Path) -> None:
    for number in range(MOST_STORES + 3):
        cached_states(lower, 1, f"weights {number}", windows(10), 32, 0, progress=lambda *fact: None)
        for folder in cache.iterdir():
            os.utime(folder, (folder.stat().st_atime, folder.stat().st_mtime - 10))
    assert len(list(cache.iterdir())) == MOST_STORES


def test_a_store_grown_too_large_is_begun_again_for_other_texts(
    lower: LowerLayers, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, told = windows(10, 20, 30), []
    kept(lower, ids[:2])
    monkeypatch.setattr(states, "MOST_BYTES", 100)
    kept(lower, ids[:2], told)
    assert told == []
    kept(lower, ids[2:], told)
    assert told == [1]
    (values,) = cache.glob("*/values.f16")
    assert values.stat().st_size == 30 * 32 * 2


def test_processes_may_begin_the_same_states_at_once(lower: LowerLayers, cache: Path) -> None:
    ids = windows(*range(3, 40))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: kept(lower, ids), range(4)))
    for other in found[1:]:
        assert all(np.allclose(a, b, atol=4e-3) for a, b in zip(found[0], other, strict=True))


def test_deeper_states_go_on_from_those_below(lower: LowerLayers, cache: Path) -> None:
    model = resolve("tiny").model().eval()
    ids = windows(40, 3, 90)
    quiet = {"progress": lambda *fact: None}
    below = cached_states(lower, 1, "weights", ids, 32, 0, **quiet)
    deeper = cached_states(UpperLayers(model, 1).eval(), 2, "weights", ids, 32, 0, below=below, **quiet)
    whole = cached_states(LowerLayers(model, 2).eval(), 2, "other weights", ids, 32, 0, **quiet)
    for number in range(len(ids)):
        np.testing.assert_allclose(deeper[number], whole[number], atol=2e-2)
