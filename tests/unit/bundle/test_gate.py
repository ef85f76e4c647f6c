"""The gate: an article is worth its best window, and what is saved is what scores."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fimiscope.bundle.decisions import PROFILES, Profile
from fimiscope.bundle.gate import BITS, Gate, Kept, buckets_of, load_gate, save_gate, window_buckets
from fimiscope.bundle.windows import Window, Windowed, WindowLayout

LAYOUT = WindowLayout(size=16, overlap=4, most=8, before=(0, 7), after=(2,), pad=1)
RELEVANT = 4242
KEPT = dict.fromkeys(PROFILES, Kept(1000, 990, 1, 0.0048))


def document(*windows: list[int]) -> Windowed:
    framed = [np.array([*LAYOUT.before, *ids, *LAYOUT.after], dtype=np.int64) for ids in windows]
    return Windowed(tuple(Window(ids, 2, len(ids) - 3, 0) for ids in framed), np.zeros((0, 2), dtype=np.int64), 0)


def gate(thresholds: dict[Profile, float] | None = None) -> Gate:
    """A gate that looks for one piece."""
    weights = np.full(2**BITS, -0.5, dtype=np.float32)
    weights[buckets_of(np.array([RELEVANT]))] = 8
    return Gate(weights, np.ones_like(weights), -1.0, thresholds or dict.fromkeys(PROFILES, 0.0), KEPT)


def test_one_relevant_window_among_many_is_enough() -> None:
    idle = [[n, n + 1, n + 2, n + 3] for n in range(10, 60, 5)]
    assert gate().clears(document(*idle), LAYOUT, "balanced")
    assert not gate().clears(document(*idle, [10, RELEVANT, 11, 12]), LAYOUT, "balanced")
    assert not gate().clears(document([10, RELEVANT, 11, 12], *idle), LAYOUT, "balanced")


def test_the_frame_of_a_window_does_not_count() -> None:
    [buckets] = window_buckets(document([10, 11]), LAYOUT)
    assert buckets.tolist() == buckets_of(np.array([10, 11])).tolist()
    assert len(buckets) == 3


def test_the_order_of_neighbours_counts_and_repeats_do_not() -> None:
    assert buckets_of(np.array([5, 9])).tolist() != buckets_of(np.array([9, 5])).tolist()
    once, again = buckets_of(np.array([5, 9, 5])), buckets_of(np.array([5, 9, 5, 9, 5, 9]))
    assert once.tolist() == again.tolist()


def test_an_empty_document_scores_the_bias() -> None:
    assert gate().score(document([]), LAYOUT) == -1.0


def test_buckets_are_spread_evenly() -> None:
    counts = np.bincount(buckets_of(np.arange(250_000)) >> (BITS - 4), minlength=16)
    assert counts.min() > 0.9 * counts.max()


def test_each_profile_has_its_own_threshold() -> None:
    one = gate({"balanced": -10.0, "high-recall": -math.inf, "high-precision": 0.0})
    idle = document([10, 11, 12])
    assert [one.clears(idle, LAYOUT, profile) for profile in PROFILES] == [False, False, True]


def test_a_gate_survives_its_files(tmp_path: Path) -> None:
    made = gate({"balanced": -1.25, "high-recall": -math.inf, "high-precision": 0.5})
    save_gate(tmp_path, made)
    read = load_gate(tmp_path)
    assert (read.bias, read.thresholds, read.kept) == (made.bias, made.thresholds, made.kept)
    assert read.weights.tolist() == made.weights.tolist()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 300_000


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    save_gate(tmp_path, Gate(*np.zeros((2, 16), dtype=np.float32), 0.0, dict.fromkeys(PROFILES, 0.0), KEPT))
    with pytest.raises(ValueError, match=r"gate_weights\.npy has shape \(2, 16\)"):
        load_gate(tmp_path)
