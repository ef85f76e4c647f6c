"""Rules that a challenger must hold by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.errors import ConfigError
from fimiscope.evaluation.comparison import Measured, Rules, compare, findings_table, holds
from fimiscope.evaluation.contrast import share_differences
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.metrics import all_metrics
from fimiscope.records import Verdict


@pytest.fixture(scope="module")
def judged(many: list[tuple[Example, Verdict]], codebook: Codebook) -> Judged:
    return judge([example for example, _ in many], [verdict for _, verdict in many], codebook)


@pytest.fixture(scope="module")
def worse(judged: Judged) -> Judged:
    """The same model with the flag's probabilities of the French texts turned around."""
    french = np.array(judged.languages) == "fr"
    return replace(judged, flag_probability=np.where(french, 1 - judged.flag_probability, judged.flag_probability))


def measured(judged: Judged, contrast: Sequence[dict[str, Any]] = (), suite: str = "") -> Measured:
    return Measured(all_metrics(judged), judged, suite, contrast)


def rules(*given: dict[str, Any]) -> Rules:
    return Rules.model_validate({"rules": given})


def test_an_equal_model_is_not_worse_and_gains_nothing(judged: Judged) -> None:
    asked = rules({"figure": "flag/pr_auc", "not_worse_by": 0}, {"figure": "flag/pr_auc", "gain": 0.01})
    equal, gain = compare(asked, measured(judged), measured(judged))
    assert equal.difference is not None
    assert (equal.difference.value, equal.difference.low, equal.difference.high) == (0, 0, 0)
    assert (equal.passed, gain.passed) == (True, False)
    assert "below +0.01" in gain.reason
    assert not holds([equal, gain])


def test_draws_are_paired_although_the_units_have_other_names_in_the_other_run(judged: Judged) -> None:
    renamed = replace(judged, units=tuple(f"other {unit[::-1]}" for unit in judged.units))
    [equal] = compare(rules({"figure": "flag/f1", "not_worse_by": 0}), measured(judged), measured(renamed))
    assert equal.passed


def test_one_language_can_be_asked_about(judged: Judged, worse: Judged) -> None:
    asked = rules(
        {"figure": "language/en/flag/pr_auc", "not_worse_by": 0}, {"figure": "language/fr/flag/pr_auc", "gain": 0}
    )
    english, french = compare(asked, measured(worse), measured(judged))
    assert (english.passed, french.passed) == (True, False)
    assert french.difference is not None
    assert french.challenger is not None
    assert french.champion is not None
    assert french.difference.value == pytest.approx(french.challenger - french.champion)


def test_floors_look_at_the_challenger_alone(judged: Judged) -> None:
    figures = all_metrics(judged)
    low, high = figures["flag/calibration_error"] - 0.01, figures["flag/calibration_error"] + 0.01
    asked = rules(
        {"figure": "flag/calibration_error", "at_most": high},
        {"figure": "flag/calibration_error", "at_most": low},
        {"figure": "flag/calibration_error", "at_least": high},
    )
    for champion in (None, measured(judged)):
        assert [finding.passed for finding in compare(asked, measured(judged), champion)] == [True, False, False]


def test_without_a_champion_differences_are_not_asked_and_what_is_not_measured_is_refused(judged: Judged) -> None:
    asked = rules({"figure": "flag/f1", "gain": 5}, {"figure": "flag/nothing", "at_least": 0})
    gain, missing = compare(asked, measured(judged), None)
    assert (gain.passed, missing.passed) == (None, False)
    assert missing.reason == "not measured"
    [unknown] = compare(rules({"figure": "flag/brier", "gain": -1}), measured(judged), measured(judged))
    assert not unknown.passed
    table = findings_table([gain, missing])
    assert [row[4] for row in table.rows] == ["not asked", "no"]


def suite(*passed: bool | None) -> list[dict[str, Any]]:
    """Families of a base, a changed text and a kept one, six of each kind: fewer have no interval."""
    kinds = (("base", "base"), ("role", "change"), ("swap", "keep"))
    return [
        {"id": f"t{place}", "family": f"f{place // 3}", "kind": kinds[place % 3][0], "must": kinds[place % 3][1]}
        | {"passed": one}
        for place, one in enumerate(passed * 6)
    ]


def test_pass_rates_of_the_contrast_suite_are_compared_family_by_family(judged: Judged) -> None:
    first = suite(True, True, True, True, False, True, False, False, None)
    second = suite(True, False, False, True, False, True, True, True, True)
    found = share_differences(first, second)
    assert found["base"].interval.value == pytest.approx(-1 / 3)
    assert found["must_change"].interval.value == pytest.approx(0)
    assert found["must_keep"].interval.value == pytest.approx(1 / 2)
    assert found["swap"].interval == found["must_keep"].interval
    asked = rules({"figure": "contrast/must_keep", "gain": 0})
    [same] = compare(asked, measured(judged, first, "a"), measured(judged, second, "a"))
    [other] = compare(asked, measured(judged, first, "a"), measured(judged, second, "b"))
    [never] = compare(asked, measured(judged), measured(judged))
    assert (same.passed, other.passed, never.passed) == (True, False, False)
    assert "not measured in both on the same texts" in other.reason


def test_a_base_that_one_model_misreads_takes_its_edits_out_of_the_comparison(judged: Judged) -> None:
    # The first reads one base and keeps its edit; the second reads all, is equal there, and fails one edit beyond.
    first = suite(True, True, True, False, None, None, False, None, None)
    second = suite(True, True, True, True, True, False, True, True, True)
    found = share_differences(second, first)
    assert found["base"].interval.value == pytest.approx(2 / 3)
    assert found["must_keep"].interval.value == pytest.approx(0)
    [kept] = compare(
        rules({"figure": "contrast/must_keep", "not_worse_by": 0}),
        measured(judged, second, "a"),
        measured(judged, first, "a"),
    )
    assert kept.passed


def test_no_edit_that_counts_for_both_is_no_comparison(judged: Judged) -> None:
    first, second = suite(True, True, None), suite(True, None, True)
    [found] = compare(
        rules({"figure": "contrast/must_keep", "gain": -1}), measured(judged, first, "a"), measured(judged, second, "a")
    )
    assert not found.passed
    assert "not measured in both on the same texts" in found.reason


def test_rules_that_cannot_be_used_are_refused_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n- {figure: flag/f1, gain: 0, at_least: 1}\n- {figure: flag/f1}\n- {figur: flag/f1, gain: 0}\n"
        "- {figure: flag/f1, not_worse_by: -1}\n"
    )
    with pytest.raises(ConfigError) as raised:
        Rules.load(file)
    said = str(raised.value)
    for words in ("rules.0: give one bound", "rules.1: give one bound", "rules.2.figur: unknown key", "figure,"):
        assert words in said
    assert "rules.3.not_worse_by" in said


def test_the_shipped_rules_name_figures_that_are_measured(judged: Judged) -> None:
    known = {*all_metrics(judged), "contrast/must_keep", "contrast/must_change"}
    assert {rule.figure for rule in Rules.load().rules} <= known
