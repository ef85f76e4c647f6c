"""Whether stated probabilities hold, beside what chance alone would do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.evaluation.calibration import brier_skill, calibration_error, calibration_error_by_chance


def test_calibration_error_by_hand() -> None:
    # Ten bins of two: in every bin half are flagged while 0.8 is stated.
    assert calibration_error(np.tile([True, False], 10), np.full(20, 0.8)) == pytest.approx(0.3)
    assert calibration_error(np.array([True, False]), np.array([1.0, 0.0])) == 0


def test_the_order_of_texts_of_equal_probability_says_nothing() -> None:
    """One text in ten is flagged, and 0.1 is stated of each: nothing is wrong, however the texts are sorted."""
    sorted_by_source = np.arange(200) < 20
    assert calibration_error(sorted_by_source, np.full(200, 0.1)) == pytest.approx(0)
    assert calibration_error_by_chance(np.full(200, 0.1))[0] < 0.03


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_calibration_error_is_a_share(pairs: list[tuple[bool, float]]) -> None:
    gold, probability = (np.array(column) for column in zip(*pairs, strict=True))
    assert 0 <= calibration_error(gold, probability.astype(float)) <= 1


def test_chance_alone_makes_an_error_that_shrinks_with_the_texts() -> None:
    random = np.random.default_rng(1)
    few, many = (calibration_error_by_chance(random.random(size)) for size in (50, 5000))
    assert few[0] > 3 * many[0] > 0
    assert few[0] < few[1]
    assert calibration_error_by_chance(np.array([0.0, 1.0, 1.0])) == (0, 0)


def test_a_calibrated_model_lies_within_chance_and_a_boastful_one_does_not() -> None:
    random = np.random.default_rng(2)
    probability = random.uniform(0.05, 0.6, 600)
    gold = random.random(600) < probability
    assert calibration_error(gold, probability) < calibration_error_by_chance(probability)[1]
    boastful = probability**0.3
    assert calibration_error(gold, boastful) > calibration_error_by_chance(boastful)[1]


def test_skill_is_measured_against_the_base_rate() -> None:
    gold, weights = np.array([True, False, False, False]), np.ones((1, 4))
    assert brier_skill(gold, gold.astype(float), weights) == [1]
    assert brier_skill(gold, np.full(4, 0.25), weights) == [0]
    assert brier_skill(gold, np.full(4, 0.9), weights)[0] < 0
    assert np.isnan(brier_skill(gold, np.full(4, 0.5), np.array([[0.0, 1, 1, 1]]))).all()
