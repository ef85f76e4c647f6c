"""Calibrators as predicting uses them: probabilities by head, languages, blending, and their file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fimiscope.bundle.calibration import Affine, Calibrator, blend, head_slices, probabilities
from fimiscope.codebook import Codebook, Head

HEADS = (Head("role", "softmax", ("a", "b", "c")), Head("flag", "sigmoid", ("flag",)))


def test_softmax_heads_sum_to_one_and_sigmoid_heads_stand_alone() -> None:
    values = probabilities(np.array([[0, 0, np.log(2), np.log(3)], [1000, 0, 0, -1000]]), HEADS)
    np.testing.assert_allclose(values, [[0.25, 0.25, 0.5, 0.75], [1, 0, 0, 0]], atol=1e-12)


def test_slices_follow_the_heads(codebook: Codebook) -> None:
    slices = head_slices(codebook.heads())
    assert list(slices) == ["role", "actors", "narratives", "africa", "flag"]
    assert [slices[head.name].stop - slices[head.name].start for head in codebook.heads()] == [4, 2, 10, 1, 1]
    assert slices["flag"].stop == 18


def test_a_language_with_its_own_map_uses_it_and_others_the_pooled_one() -> None:
    own = Affine(np.full(4, 2.0), np.ones(4))
    calibrator = Calibrator(Affine.identity(4), {"fr": own})
    row = np.arange(4.0)
    assert calibrator(row, "fr").tolist() == (2 * row + 1).tolist()
    assert calibrator(row, "sw").tolist() == row.tolist()
    assert calibrator(row, None).tolist() == row.tolist()


def test_a_calibrator_survives_its_file() -> None:
    calibrator = Calibrator(Affine(np.array([1.5]), np.array([-0.25])), {"fr": Affine.identity(1)})
    again = Calibrator.from_dict(json.loads(json.dumps(calibrator.to_dict())))
    assert again.to_dict() == calibrator.to_dict()


def test_a_blend_of_equals_is_the_same_and_levels_do_not_matter() -> None:
    row = np.array([[2.0, 1.0, 0.0, 0.7]])
    shifted = row + np.array([5.0, 5.0, 5.0, 0.0])
    expected = probabilities(row, HEADS)
    np.testing.assert_allclose(probabilities(blend([row, shifted], HEADS), HEADS), expected, atol=1e-12)


def test_a_blend_of_two_flags_is_the_mean_of_their_log_odds() -> None:
    one, other = np.array([[0, 0, 0, 1.0]]), np.array([[0, 0, 0, -3.0]])
    assert blend([one, other], HEADS)[0, 3] == pytest.approx(-1)
