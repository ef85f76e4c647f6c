"""Fitting calibrators and thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, f1_score, log_loss

from fimiscope.bundle.calibration import Affine, Calibrator, head_slices, probabilities
from fimiscope.bundle.decisions import log_odds
from fimiscope.codebook import Codebook
from fimiscope.config import DecisionConfig
from fimiscope.corpus import Corpus
from fimiscope.training.calibrating import (
    LANGUAGE_ARTICLES,
    at_base_rate,
    fit_calibrator,
    fit_decisions,
    fit_scorer,
    samples_f1,
)
from fimiscope.training.targets import Targets

ARTICLES = 400


def overconfident(codebook: Codebook, seed: int = 0, articles: int = ARTICLES) -> tuple[np.ndarray, Targets]:
    """Logits four times too large and shifted, and labels drawn from the true probabilities."""
    random = np.random.default_rng(seed)
    heads = codebook.heads()
    slices = head_slices(heads)
    true = random.normal(size=(articles, 18)) * 1.2
    chances = probabilities(true, heads)
    values = (random.random((articles, 18)) < chances).astype(np.float32)
    role = slices["role"]
    values[:, role] = np.eye(4)[[random.choice(4, p=row) for row in chances[:, role]]]
    return 4 * true + 1.5, Targets(values, np.ones_like(values), np.ones(articles, np.float32))


@pytest.fixture(scope="module")
def fitted(codebook: Codebook) -> Calibrator:
    return fit_calibrator(*overconfident(codebook), ["en"] * ARTICLES, codebook.heads())


def test_calibration_brings_stated_probabilities_nearer_the_truth(codebook: Codebook, fitted: Calibrator) -> None:
    logits, targets = overconfident(codebook, seed=1)
    heads = codebook.heads()
    raw, calibrated = probabilities(logits, heads), probabilities(fitted(logits), heads)
    slices = head_slices(heads)
    for head in heads:
        part = slices[head.name]
        gold = targets.values[:, part]
        if head.kind == "softmax":
            truth = gold.argmax(axis=1)
            before, after = (log_loss(truth, p[:, part], labels=range(4)) for p in (raw, calibrated))
            assert after < before
            assert ((calibrated[:, part] - gold) ** 2).sum() < ((raw[:, part] - gold) ** 2).sum()
            continue
        for label in range(part.start, part.stop):
            one = targets.values[:, label]
            assert log_loss(one, calibrated[:, label]) < log_loss(one, raw[:, label])
            assert brier_score_loss(one, calibrated[:, label]) < brier_score_loss(one, raw[:, label])


def test_calibration_keeps_the_ranks(codebook: Codebook, fitted: Calibrator) -> None:
    logits, _ = overconfident(codebook, seed=2)
    assert (fitted.pooled.scale > 0).all()
    mapped = fitted(logits)
    for label in range(4, 18):
        np.testing.assert_array_equal(np.argsort(mapped[:, label]), np.argsort(logits[:, label]))


def test_a_softmax_head_has_one_temperature(codebook: Codebook, fitted: Calibrator) -> None:
    scale = fitted.pooled.scale[head_slices(codebook.heads())["role"]]
    assert len(set(scale.tolist())) == 1
    assert scale[0] == pytest.approx(0.25, abs=0.06)


def test_what_is_already_calibrated_stays(codebook: Codebook) -> None:
    logits, targets = overconfident(codebook, seed=3)
    pooled = fit_calibrator((logits - 1.5) / 4, targets, ["en"] * ARTICLES, codebook.heads()).pooled
    np.testing.assert_allclose(pooled.scale, 1, atol=0.35)
    np.testing.assert_allclose(pooled.bias, 0, atol=0.45)


def test_an_unlabelled_head_keeps_the_identity(codebook: Codebook) -> None:
    logits, targets = overconfident(codebook, articles=60)
    part = head_slices(codebook.heads())["narratives"]
    targets.known[:, part] = 0
    pooled = fit_calibrator(logits, targets, ["en"] * 60, codebook.heads()).pooled
    assert pooled.scale[part].tolist() == [1] * 10
    assert pooled.bias[part].tolist() == [0] * 10


def test_a_language_with_few_articles_gets_no_map_of_its_own(codebook: Codebook) -> None:
    logits, targets = overconfident(codebook)
    few = LANGUAGE_ARTICLES - 1
    languages = ["fr"] * few + [None] * 100 + ["en"] * (ARTICLES - few - 100)
    calibrator = fit_calibrator(logits, targets, languages, codebook.heads())
    assert set(calibrator.languages) == {"en"}
    row = logits[0]
    assert calibrator(row, "fr").tolist() == calibrator.pooled(row).tolist()


def test_a_language_with_few_flagged_articles_gets_no_map_of_its_own(codebook: Codebook) -> None:
    logits, targets = overconfident(codebook)
    targets.values[200:, head_slices(codebook.heads())["flag"]] = 0
    calibrator = fit_calibrator(logits, targets, ["en"] * 200 + ["fr"] * 200, codebook.heads())
    assert set(calibrator.languages) == {"en"}


def test_a_language_that_differs_gets_a_map_that_differs(codebook: Codebook) -> None:
    logits, targets = overconfident(codebook)
    logits[200:] += 3
    calibrator = fit_calibrator(logits, targets, ["en"] * 200 + ["fr"] * 200, codebook.heads())
    flag = head_slices(codebook.heads())["flag"].start
    assert calibrator.languages["fr"].bias[flag] < calibrator.pooled.bias[flag] < calibrator.languages["en"].bias[flag]


def test_labels_that_a_scorer_does_not_judge_stay_undecided_and_change_no_other(
    codebook: Codebook, tiny_corpus: Corpus
) -> None:
    train, valid = tiny_corpus.part("train"), tiny_corpus.part("valid")
    logits = np.random.default_rng(0).normal(size=(len(valid), 18))
    whole, decided = fit_scorer(logits, train, valid, ["en"] * len(valid), codebook, DecisionConfig())
    part = head_slices(codebook.heads())["narratives"]
    logits[:, part] = np.nan
    calibrator, decisions = fit_scorer(logits, train, valid, ["en"] * len(valid), codebook, DecisionConfig())
    assert np.isnan(calibrator(logits)[:, part]).all()
    others = np.setdiff1d(np.arange(18), np.arange(part.start, part.stop))
    np.testing.assert_array_equal(calibrator(logits)[:, others], whole(logits)[:, others])
    assert decisions == replace(decided, narrative=0.5)


def decide(codebook: Codebook, logits: np.ndarray, targets: Targets, **config: float) -> dict[str, float]:
    found = fit_decisions(logits, targets, targets, ["en"], codebook, DecisionConfig.model_validate(config))
    return found.flag | {"band": found.band, "narrative": found.narrative}


def flags(codebook: Codebook, scores: list[float], gold: list[int]) -> tuple[np.ndarray, Targets]:
    """Articles of which the flag alone is scored and labelled."""
    flag = head_slices(codebook.heads())["flag"].start
    logits, values, known = np.zeros((len(scores), 18)), np.zeros((len(scores), 18)), np.zeros((len(scores), 18))
    logits[:, flag] = [log_odds(score) for score in scores]
    values[:, flag], known[:, flag] = gold, 1
    return logits, Targets(values.astype(np.float32), known.astype(np.float32), np.ones(len(scores), np.float32))


def test_thresholds_by_hand(codebook: Codebook) -> None:
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    found = decide(codebook, *flags(codebook, scores, [1, 1, 0, 1, 0, 0, 1, 0]), high_recall=0.9, high_precision=0.79)
    assert found["balanced"] == pytest.approx(0.35), "promises F1 2 × 3.9 / (6 + 4.4), the most"
    assert found["high-recall"] == pytest.approx(0.25), "promises recall 4.2 / 4.4"
    assert found["high-precision"] == pytest.approx(0.65), "promises precision 2.4 / 3"


def test_equal_scores_are_never_told_apart(codebook: Codebook) -> None:
    found = decide(codebook, *flags(codebook, [0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]))
    assert found["balanced"] in (pytest.approx(0.3), pytest.approx(0.7))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=50), st.data())
def test_profiles_are_ordered(codebook: Codebook, pairs: list[tuple[float, bool]], data: st.DataObject) -> None:
    scores, gold = ([pair[part] for pair in pairs] for part in (0, 1))
    wanted = {name: data.draw(st.floats(0.05, 1)) for name in ("high_recall", "high_precision")}
    found = decide(codebook, *flags(codebook, scores, [int(one) for one in gold]), **wanted)
    assert 0 <= found["high-recall"] <= found["balanced"] <= found["high-precision"] <= 1


def drawn(codebook: Codebook, articles: int, seed: int) -> tuple[np.ndarray, Targets, np.ndarray, np.ndarray]:
    """Articles whose flag comes true as often as its probability says; logits, labels, probabilities and flags."""
    random = np.random.default_rng(seed)
    probability = random.beta(0.3, 2, articles).clip(1e-4, 1 - 1e-4)
    gold = random.random(articles) < probability
    return *flags(codebook, probability.tolist(), gold.astype(int).tolist()), probability, gold


def test_the_balanced_threshold_has_nearly_the_best_f1_and_is_half_of_it(codebook: Codebook) -> None:
    logits, targets, probability, gold = drawn(codebook, 4000, seed=6)
    found = decide(codebook, logits, targets)["balanced"]
    best = max(f1_score(gold, probability >= level) for level in np.quantile(probability, np.linspace(0.5, 1, 200)))
    reached = f1_score(gold, probability >= found)
    assert reached == pytest.approx(best, abs=0.02)
    assert found == pytest.approx(reached / 2, abs=0.03)


def test_thresholds_hardly_depend_on_which_few_articles_validate(codebook: Codebook) -> None:
    found = [decide(codebook, *drawn(codebook, 300, seed)[:2])["balanced"] for seed in range(12)]
    assert max(found) - min(found) < 0.1


@pytest.mark.parametrize("gold", [[0, 0, 0], [1, 1, 1]])
def test_with_one_kind_alone_thresholds_are_plain(codebook: Codebook, gold: list[int]) -> None:
    found = decide(codebook, *flags(codebook, [0.2, 0.5, 0.9], gold))
    assert (found["high-recall"], found["balanced"], found["high-precision"]) == (0.3, 0.5, 0.7)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
def test_the_band_leaves_the_wanted_share_open(codebook: Codebook, share: float) -> None:
    logits, targets = overconfident(codebook, seed=7)
    found = fit_decisions(logits, targets, targets, ["en"], codebook, DecisionConfig(abstain_share=share))
    flag = head_slices(codebook.heads())["flag"].start
    probability = probabilities(logits, codebook.heads())[:, flag]
    open_ = np.mean([found.undecided(float(p), "balanced", "en") for p in probability])
    assert open_ == pytest.approx(share, abs=0.01)
    untrained = np.mean([found.undecided(float(p), "balanced", "sw") for p in probability])
    assert untrained >= open_


def test_decisions_know_the_languages_and_the_roles_that_name_narratives(codebook: Codebook) -> None:
    logits, targets = overconfident(codebook)
    slices = head_slices(codebook.heads())
    targets.values[:, slices["narratives"]] = 0
    carries = targets.values[:, slices["role"].start + codebook.role_codes.index("carries")] > 0
    targets.values[carries, slices["narratives"].start] = 1
    found = fit_decisions(logits, targets, targets, ["fr", "en", "fr"], codebook, DecisionConfig())
    assert found.languages == ("en", "fr")
    assert found.naming_roles == ("carries",)


def test_the_narrative_threshold_is_the_best_on_its_grid(codebook: Codebook) -> None:
    random = np.random.default_rng(0)
    logits, targets = overconfident(codebook)
    part = head_slices(codebook.heads())["narratives"]
    targets.values[:, part] = random.random((ARTICLES, 10)) < 0.2
    # Present codes score 0.4 to 0.5, absent ones 0.1 to 0.3.
    scores = np.where(targets.values[:, part] > 0, 0.45, 0.2) + random.uniform(-0.05, 0.05, (ARTICLES, 10))
    logits[:, part] = np.log(scores / (1 - scores))
    assert 0.25 <= decide(codebook, logits, targets)["narrative"] <= 0.4


def test_samples_f1_by_hand() -> None:
    gold = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    said = np.array([[1, 0, 1], [0, 0, 0], [0, 0, 1], [1, 0, 0]], dtype=bool)
    assert samples_f1(gold, said) == pytest.approx((0.5 + 1 + 1 + 0) / 4)


def test_identity_is_the_start() -> None:
    assert Affine.identity(3)(np.array([1.0, 2.0, 3.0])).tolist() == [1, 2, 3]


def test_probabilities_and_thresholds_follow_the_stated_base_rate(codebook: Codebook) -> None:
    """A part in which 70 of 100 are flagged, fitted for a stream in which one in ten is."""
    random = np.random.default_rng(3)
    heads = codebook.heads()
    flag = head_slices(heads)["flag"].start
    logits, targets = flags(codebook, [0.5] * 2000, [1] * 1400 + [0] * 600)
    logits[:, flag] = np.r_[random.normal(1, 1, 1400), random.normal(-1, 1, 600)]
    rare = at_base_rate(targets, heads, 0.1)
    assert (rare.weight * targets.values[:, flag]).sum() == pytest.approx(0.1 * rare.weight.sum(), rel=1e-5)
    found = {}
    for name, labels in (("as found", at_base_rate(targets, heads, None)), ("rare", rare)):
        calibrator = fit_calibrator(logits, labels, [None] * 2000, heads)
        stated = probabilities(np.array([calibrator(row) for row in logits]), heads)[:, flag]
        found[name] = float(np.average(stated, weights=labels.weight))
        cut = fit_decisions(calibrator(logits), labels, labels, ["en"], codebook, DecisionConfig()).flag["balanced"]
        found[f"{name}, flagged"] = float((stated >= cut)[1400:].mean())
    assert found["as found"] == pytest.approx(0.7, abs=0.03)
    assert found["rare"] == pytest.approx(0.1, abs=0.03)
    assert found["rare, flagged"] < 0.5 * found["as found, flagged"]
