"""Pass rates on the contrast suite: what counts as right, and that no answer passes without reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.evaluation.contrast import (
    Contrast,
    Rate,
    constant_rule,
    contrast_table,
    failing_families,
    family_table,
    measure,
    repost_table,
)
from fimiscope.evaluation.suite import Suite, Variant
from fimiscope.predict import Predictor
from fimiscope.records import Verdict

MakeVerdict = Callable[..., Verdict]
Said = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def suite(codebook: Codebook) -> Suite:
    """What was written first: later rounds do not change what is counted here."""
    return Suite.load(codebook).of_round(1)


@pytest.fixture(scope="module")
def told(suite: Suite, codebook: Codebook, verdict: MakeVerdict) -> Callable[..., Contrast]:
    """A model that is right everywhere, except in the texts named, of which it says what is given."""

    def make(said: Said | None = None) -> Contrast:
        verdicts = []
        for number, variant in enumerate(suite.variants):
            gold = variant.example.labels
            actors = {code: 0.9 if code in (gold.actors or ()) else 0.1 for code in codebook.actor_codes}
            right = verdict(
                number,
                gold.role,
                0.9 if codebook.flagged(gold) else 0.1,
                actors=actors,
                africa=0.9 if gold.africa else 0.1,
            )
            verdicts.append(replace(right, **(said or {}).get(variant.example.article.id, {})))
        return Contrast.of("told", suite, verdicts, codebook)

    return make


def rates(contrast: Contrast) -> dict[str, Rate]:
    return {rate.name: rate for rate in contrast.rates()}


def lost(contrast: Contrast) -> set[str]:
    """Ids of texts that failed."""
    return {o.variant.example.article.id for o in contrast.outcomes if o.passed is False}


def uncounted(contrast: Contrast) -> set[str]:
    return {o.variant.kind for o in contrast.outcomes if o.passed is None}


def test_the_suite_holds_every_kind_of_every_family_it_can(suite: Suite) -> None:
    kinds = Counter((variant.must, variant.kind) for variant in suite.variants)
    assert kinds["base", "base"] == len(suite.bases) >= 60
    for kind in ("role", "beneficiary", "africa", "voice", "negation"):
        assert kinds["change", kind] >= 30
    for kind in ("swap", "language", "innocent", "upper_case", "spelling", "boilerplate"):
        assert kinds["keep", kind] == len(suite.bases)
    assert kinds["keep", "date_line"] == len(suite.bases) - 1, "one base ends in a list of sources already"
    assert kinds["keep", "quotation_marks"] >= 10, "few bases quote"
    assert kinds["alone", "repost"] == kinds["alone", "lookalike"] == 12
    assert len({variant.example.article.id for variant in suite.variants}) == len(suite.variants)


def test_rounds_share_no_family_and_are_the_whole_suite_together(codebook: Codebook) -> None:
    whole = Suite.load(codebook)
    rounds = [whole.of_round(number) for number in (1, 2)]
    families = [{variant.family for variant in part.variants} for part in rounds]
    assert not families[0] & families[1]
    assert sum(len(part.variants) for part in rounds) == len(whole.variants)
    for part in rounds:
        kinds = Counter(variant.kind for variant in part.variants)
        assert kinds["repost"] == kinds["lookalike"] == 12
        assert {variant.example.labels.role for variant in part.variants if variant.must == "base"} == set(
            codebook.role_codes
        )
    with pytest.raises(ConfigError, match="--round 7: the contrast suite was written in rounds 1 to 2"):
        whole.of_round(7)


def test_made_texts_have_the_labels_of_their_base_and_no_offsets(suite: Suite) -> None:
    bases = {family: suite.variants[place].example.labels for family, place in suite.bases.items()}
    made = [variant for variant in suite.variants if "+" in variant.example.article.id]
    assert len(made) > 200
    for variant in made:
        assert variant.example.labels == replace(bases[variant.family], evidence=None)


def test_an_edit_that_must_change_differs_from_its_base_in_what_is_asked(suite: Suite) -> None:
    for variant in suite.variants:
        if variant.must == "change":
            gold, base = variant.example.labels, suite.variants[suite.bases[variant.family]].example.labels
            asked = {"beneficiary": ("role", "actors"), "africa": ("africa",)}.get(variant.kind, ("role",))
            assert any(getattr(gold, name) != getattr(base, name) for name in asked)


def test_a_codebook_with_other_codes_cannot_be_measured(codebook: Codebook) -> None:
    document = codebook.to_dict()
    document["actors"] = [entry | {"code": f"{entry['code']}-state"} for entry in document["actors"]]
    with pytest.raises(CorpusError, match="shipped codebook"):
        Suite.load(Codebook.from_dict(document))


def test_a_model_that_is_right_everywhere_passes_everything(told: Callable[..., Contrast]) -> None:
    for name, rate in rates(told()).items():
        assert (rate.counted, rate.passed) == (rate.texts, 0 if name == "lookalikes_flagged" else rate.texts)


def test_an_answer_that_is_always_the_same_passes_no_edit_that_must_change(
    suite: Suite, codebook: Codebook, verdict: MakeVerdict
) -> None:
    for role, africa, russia, china in product(codebook.role_codes, *[(0.1, 0.9)] * 3):
        same = verdict(0, role, africa=africa, actors={"russia": russia, "china": china})
        contrast = Contrast.of("same", suite, [same] * len(suite.variants), codebook)
        found = rates(contrast)
        assert found["must_change"].passed == 0
        assert found["swap"].counted == found["swap"].passed == found["base"].passed < found["base"].texts / 2


def test_where_the_base_is_wrong_no_change_passes_and_nothing_kept_counts(told: Callable[..., Contrast]) -> None:
    contrast = told({"en-c01-base": {"role_label": "none"}})
    assert lost(contrast) == {"en-c01-base", "en-c01-role", "en-c01-beneficiary", "en-c01-voice"}
    found = rates(contrast)
    assert found["swap"].counted == found["swap"].texts - 1 == found["swap"].passed
    assert found["base"].passed == found["base"].texts - 1


def test_a_wrong_edit_fails_alone(told: Callable[..., Contrast]) -> None:
    wrong = {"role_label": "rebuts"}
    assert lost(told({"en-c01-role": wrong, "en-c02-base+spelling": wrong})) == {"en-c01-role", "en-c02-base+spelling"}


def test_the_actors_count_where_the_beneficiary_changes_and_nowhere_else(told: Callable[..., Contrast]) -> None:
    both, other = {"actors": {"russia": 0.9, "china": 0.9}}, {"actors": {"russia": 0.9, "china": 0.1}}
    assert lost(told({"en-c01-beneficiary": both, "en-c01-voice": both})) == {"en-c01-beneficiary"}
    contrast = told({"en-c01-base": other})
    assert lost(contrast) == {"en-c01-beneficiary"}, "whose line the base serves was not read"
    assert rates(contrast)["base"].passed == rates(contrast)["base"].texts
    assert uncounted(contrast) == set()


def test_beside_the_role_none_no_actor_is_named(told: Callable[..., Contrast]) -> None:
    named = {"actors": {"russia": 0.9, "china": 0.9}}
    assert lost(told({"en-c07-beneficiary": named})) == set()


def test_africa_counts_where_the_place_changes_and_nowhere_else(told: Callable[..., Contrast]) -> None:
    seen = {"africa": 0.9}
    assert lost(told({"en-c02-africa": seen, "en-c02-role": {"africa": 0.1}})) == {"en-c02-africa"}
    assert lost(told({"en-c02-base": {"africa": 0.1}})) == {"en-c02-africa"}


def test_by_the_role_alone_it_is_no_matter_what_else_an_edit_moves(told: Callable[..., Contrast]) -> None:
    found = rates(told({"en-c02-africa": {"africa": 0.9}, "en-c01-base": {"actors": {"russia": 0.1, "china": 0.1}}}))
    assert found["role_right"].passed == found["role_right"].texts == found["must_change"].texts
    assert found["must_change"].passed == found["must_change"].texts - 2
    wrong_base = rates(told({"en-c01-base": {"role_label": "none"}}))
    assert wrong_base["role_right"].passed == wrong_base["must_change"].passed == wrong_base["must_change"].texts - 3


def test_an_abstained_text_is_taken_at_its_role_and_a_failed_one_is_never_right(told: Callable[..., Contrast]) -> None:
    abstained = {"status": "abstained", "flag": None}
    assert lost(told({"en-c01-base": abstained, "en-c01-role": abstained})) == set()
    failed = {"status": "failed", "flag": None, "role_label": None, "role": None, "actors": None, "africa": None}
    assert lost(told({"en-c01-role": failed})) == {"en-c01-role"}, "its gold role is none"


def test_reposts_must_be_recognised_and_look_alikes_left_alone(told: Callable[..., Contrast]) -> None:
    contrast = told(
        {
            "repost-f01-repost-en": {"role_label": "none", "flag": True},
            "repost-f01-lookalike-en": {"flag": True},
            "repost-f01-lookalike-fr": {"role_label": "reports"},
            "repost-f02-lookalike-en": {"role_label": "carries", "flag": False},
        }
    )
    found = rates(contrast)
    assert (found["reposts"].passed, found["reposts"].counted) == (11, 12)
    assert (found["lookalikes_flagged"].passed, found["lookalikes_flagged"].counted) == (2, 12)
    read = {row[0]: row[3] for row in repost_table(contrast).rows}
    assert read["repost-f01-repost-en"] == "none, not reports"
    assert (read["repost-f01-lookalike-en"], read["repost-f01-lookalike-fr"]) == ("flagged", "reports")
    assert read["repost-f02-lookalike-en"] == "right"


def test_figures_have_a_share_only_where_something_counts(
    suite: Suite, codebook: Codebook, verdict: MakeVerdict
) -> None:
    nothing = verdict(0, status="failed", role_label=None)
    contrast = Contrast.of("nothing", suite, [nothing] * len(suite.variants), codebook)
    figures = contrast.metrics()
    assert figures["base"] == figures["must_change"] == figures["reposts"] == 0
    assert "swap" not in figures
    assert figures["counted/swap"] == 0
    [row] = [row for row in contrast_table([contrast]).rows if row[1] == "swap"]
    assert row[3] == "–"
    assert contrast.to_dict()["rates"]["swap"]["share"] is None


def test_the_table_has_a_row_a_kind_and_a_column_a_model(suite: Suite, codebook: Codebook, told: Any) -> None:
    table = contrast_table([told({"en-c01-base": {"role_label": "none"}}), constant_rule(suite, codebook)])
    assert table.columns == ("must", "kind", "texts", "told", "always carries")
    cells = {(row[0], row[1]): row[2:] for row in table.rows}
    assert cells["base", "right"][:2] == (62, "61/62 = 0.98 [0.91, 1.00]")
    assert cells["keep", "swap"] == (62, "61/61 = 1.00 [0.94, 1.00]", "16/16 = 1.00 [0.81, 1.00]")
    assert cells["change", "all"][2].startswith("0/168 = 0.00"), "no interval: edits share their base"
    assert "[" not in cells["change", "all"][2]
    assert "62 families" in table.title


def test_families_say_which_edits_failed_and_what_was_said(told: Callable[..., Contrast]) -> None:
    contrast = told(
        {
            "en-c01-base": {"role_label": "none"},
            "en-c02-base": {"actors": {"russia": 0.1, "china": 0.1}},
            "en-c02-base+upper_case": {"role_label": "carries"},
            "en-c02-africa": {"africa": 0.9},
        }
    )
    rows = {row[0]: row[1:] for row in family_table(contrast).rows}
    assert len(rows) == len(contrast.families)
    failed = "role: its base; beneficiary: its base (none, not carries); voice: its base"
    assert rows["en-c01"] == ("carries", "none, not carries", failed, "not counted")
    gold, base, changed, kept = rows["en-c02"]
    assert (gold, base, kept) == ("reports", "right", "upper_case: carries, not reports")
    assert "beneficiary: its base (nobody, not " in changed and "africa: Africa seen" in changed
    assert rows["en-c03"] == ("rebuts", "right", "–", "–")


def test_the_constant_rule_says_what_training_texts_mostly_are(suite: Suite, codebook: Codebook) -> None:
    train = [variant.example for variant in suite.variants if variant.example.labels.role == "rebuts"]
    rule = constant_rule(suite, codebook, train)
    assert rule.name == "majority (always rebuts)"
    assert rates(rule)["must_change"].passed == 0


def test_a_model_is_measured_in_one_stream_that_tells_its_progress(
    tiny_bundle: Path, suite: Suite, codebook: Codebook
) -> None:
    chosen: tuple[Variant, ...] = tuple(
        variant for variant in suite.variants if variant.family in ("en-c01", "fr-c02", "fr-c03", "repost-f01")
    )
    small, said = Suite(chosen), []
    predictor = Predictor.load(tiny_bundle, scorer="lexical")
    contrast = measure(predictor, small, progress=lambda *fact: said.append(fact))
    verdicts = list(predictor.predict(example.article for example in small.examples))
    assert contrast == Contrast.of("tiny", small, verdicts, codebook)
    assert [fact[0] for fact in said] == ["contrast suite"] * len(said)
    assert said[-1][1:] == (len(chosen), len(chosen))


def test_families_that_fail_come_by_how_much(told: Callable[..., Contrast]) -> None:
    contrast = told({"en-c01-base": {"role_label": "none"}, "en-c02-swap": {"role_label": "none"}})
    table = failing_families(contrast)
    assert [row[0] for row in table.rows] == ["en-c01", "en-c02"]
    assert int(table.rows[0][1]) > int(table.rows[1][1]) == 1
    assert table.title.endswith(f"2 of {len(contrast.families)}")
    assert failing_families(told()).rows == ()
