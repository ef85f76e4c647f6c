"""When the model keeps silent."""

from __future__ import annotations

import json
from dataclasses import replace
from math import exp

import pytest

from fimiscope.bundle.decisions import PROFILES, Decisions, Profile, log_odds

DECISIONS = Decisions(
    flag={"balanced": 0.5, "high-recall": 0.2, "high-precision": 0.8},
    narrative=0.4,
    band=0.3,
    languages=("en", "fr"),
    naming_roles=("carries",),
)


def probability(distance: float) -> float:
    """A probability so far, in log-odds, from one half."""
    return 1 / (1 + exp(-distance))


@pytest.mark.parametrize("side", [1, -1])
def test_the_band_is_twice_as_wide_for_a_language_never_trained_on(side: int) -> None:
    near, further, far = (probability(side * distance) for distance in (0.29, 0.45, 0.61))
    assert [DECISIONS.undecided(p, "balanced", "en") for p in (near, further, far)] == [True, False, False]
    assert [DECISIONS.undecided(p, "balanced", "sw") for p in (near, further, far)] == [True, True, False]
    assert DECISIONS.undecided(further, "balanced", None)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_band_lies_around_the_threshold_of_the_profile(profile: Profile) -> None:
    undecided = [p for p in (0.2, 0.5, 0.8) if DECISIONS.undecided(p, profile, "en")]
    assert undecided == [DECISIONS.flag[profile]]


def test_without_a_band_all_is_decided() -> None:
    assert not replace(DECISIONS, band=0.0).undecided(0.5, "balanced", "sw")


def test_log_odds_stay_finite() -> None:
    assert log_odds(0.5) == 0
    assert log_odds(1.0) == pytest.approx(-log_odds(0.0))


def test_decisions_survive_their_file() -> None:
    assert Decisions.from_dict(json.loads(json.dumps(DECISIONS.to_dict()))) == DECISIONS
