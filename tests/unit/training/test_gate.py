"""Fitting the gate: what it learns, that no text is judged by a gate that knows it, and that the bound holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fimiscope.bundle.decisions import PROFILES, Profile
from fimiscope.bundle.gate import Ints, buckets_of
from fimiscope.training.gate import (
    MOST_LOST,
    Bools,
    Lesson,
    fit_gate,
    fit_without,
    scores_by,
    thresholds,
    upper_bound,
)

RELEVANT_PIECES = (9000, 9100)


def lesson(texts: int, *, relevant: float = 0.5, seed: int = 0) -> Lesson:
    """Texts of one to four windows of idle pieces; one window of each relevant text holds relevant pieces."""
    random = np.random.default_rng(seed)
    flags = random.random(texts) < relevant
    buckets: list[list[Ints]] = []
    for flag in flags:
        windows = [random.integers(0, 500, size=40) for _ in range(random.integers(1, 5))]
        if flag:
            windows[random.integers(len(windows))][:6] = random.integers(*RELEVANT_PIECES, size=6)
        buckets.append([buckets_of(window) for window in windows])
    by_profile: dict[Profile, Bools] = dict.fromkeys(PROFILES, flags)
    return Lesson(buckets, by_profile, np.arange(texts))


def test_it_learns_which_window_tells() -> None:
    taught, asked = lesson(1500), lesson(300, seed=1)
    fitted = fit_gate(taught)
    scores = scores_by(fitted.gate, asked)
    relevant = asked.relevant["balanced"]
    cleared = scores < fitted.gate.thresholds["balanced"]
    assert (cleared & relevant).sum() <= 2
    assert cleared[~relevant].mean() > 0.9


def test_no_text_is_judged_by_a_gate_that_learned_from_its_copy() -> None:
    # Flags at random: only a gate that has seen a text, or its copy, could tell.
    plain = lesson(400, relevant=0.0)
    flags = np.random.default_rng(3).random(400) < 0.5
    twice = Lesson(
        [*plain.buckets, *plain.buckets],
        dict.fromkeys(PROFILES, np.tile(flags, 2)),
        np.tile(np.arange(400), 2),
    )
    fitted = fit_gate(twice)
    known = scores_by(fitted.gate, twice)

    def gap(scores: np.ndarray) -> float:
        marks = twice.relevant["balanced"]
        return float(scores[marks].mean() - scores[~marks].mean())

    assert gap(known) > 1
    assert abs(gap(fitted.scores)) < 0.5


def test_scores_of_an_unseen_input_come_from_the_others() -> None:
    taught = lesson(400)
    left_out = np.arange(400) < 100
    scores = fit_without(taught, left_out)
    relevant = taught.relevant["balanced"][:100]
    assert scores.shape == (100,)
    assert scores[relevant].mean() > scores[~relevant].mean() + 0.2


@pytest.mark.parametrize(
    ("lost", "of", "bound"), [(0, 598, 0.004997), (1, 949, 0.004987), (0, 10, 0.2589), (5, 5, 1.0)]
)
def test_upper_bounds_of_the_tables(lost: int, of: int, bound: float) -> None:
    assert upper_bound(lost, of) == pytest.approx(bound, rel=2e-3)


@pytest.mark.parametrize(("families", "lost"), [(597, None), (598, 0), (949, 1), (3000, 8)])
def test_as_many_are_lost_as_the_bound_allows(families: int, lost: int | None) -> None:
    flags = np.ones(families, dtype=bool)
    by_profile: dict[Profile, Bools] = dict.fromkeys(PROFILES, flags)
    taught = Lesson([[]] * families, by_profile, np.arange(families))
    limits, kept = thresholds(np.arange(families, dtype=float), taught)
    assert limits["balanced"] == (-math.inf if lost is None else lost)
    assert kept["balanced"].lost == (lost or 0)
    assert (kept["balanced"].bound <= MOST_LOST) is (lost is not None)


def test_near_copies_are_lost_once_and_a_rare_profile_takes_the_lowest_threshold() -> None:
    families = np.repeat(np.arange(1000), 2)
    flags = np.ones(2000, dtype=bool)
    rare = np.arange(2000) < 50
    taught = Lesson([[]] * 2000, {"balanced": flags, "high-recall": flags, "high-precision": rare}, families)
    limits, kept = thresholds(np.arange(2000, dtype=float), taught)
    assert limits["balanced"] == 2.0
    assert (kept["balanced"].texts, kept["balanced"].families, kept["balanced"].lost) == (2000, 1000, 1)
    assert limits["high-precision"] == limits["balanced"]
    assert kept["high-precision"].bound > MOST_LOST
