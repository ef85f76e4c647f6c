"""From articles to verdicts: every article gets one, in order, and each says what it rests on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fimiscope.bundle import Bundle, Scorer
from fimiscope.bundle import files as bundle_files
from fimiscope.bundle.decisions import PROFILES, Decisions, Profile, log_odds
from fimiscope.bundle.encoder import EncoderModel
from fimiscope.bundle.windows import WindowLayout
from fimiscope.corpus import Corpus
from fimiscope.errors import BundleError, ConfigError
from fimiscope.predict import Predictor
from fimiscope.records import Article, Unreadable, Verdict

SCORED_FIELDS = (
    *("flag", "flag_probability", "role", "role_label", "actors", "narratives", "narratives_flagged", "africa"),
    "evidence",
)
UNJUDGEABLE = {
    "empty": "",
    "white": " \n\u200b\t",
    "short": "Le pont ouvre.",
    "symbols": "1234 5678 90 %% // 12:45 +++ " * 40 + "price of the bread and of the fish at the market today",
    "again": "buy buy buy buy " * 40,
}
SWAHILI = (
    "Serikali ya kaunti imesema daraja jipya litafunguliwa Jumapili, na wafanyabiashara wa samaki wamesubiri kwa miezi "
    "mingi. Mkuu wa bandari alisema kazi imekamilika na barabara iko tayari kwa magari yote."
)
ELSEWHERE = """
import json, sys
import fimiscope.predict
HEAVY = {"torch", "transformers", "mlflow", "pandas", "sklearn", "scipy", "datasets"}
on_import = sorted(HEAVY & set(sys.modules))
predictor = fimiscope.predict.Predictor.load(sys.argv[1])
from fimiscope.records import Article
verdicts = [v.to_dict() for v in predictor.predict(Article(str(n), t) for n, t in enumerate(json.load(sys.stdin)))]
json.dump({"on import": on_import, "on use": sorted(HEAVY & set(sys.modules)), "verdicts": verdicts}, sys.stdout)
"""


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


@pytest.fixture(scope="module")
def predictor(bundle: Bundle) -> Predictor:
    return Predictor(bundle)


@pytest.fixture(scope="module")
def articles(tiny_corpus: Corpus) -> list[Article]:
    return [example.article for example in tiny_corpus.examples[::2]]


def deciding(bundle: Bundle, **changes: object) -> Bundle:
    """The same bundle with other thresholds."""
    decisions: dict[str, Decisions] = {
        name: replace(one, **changes)  # type: ignore[arg-type]
        for name, one in bundle.decisions.items()
    }
    return replace(bundle, decisions=decisions)


def dirty(text: str) -> str:
    """The text as scrapers leave it."""
    return "\ufeff<div>" + text.replace(". ", ".\u00a0 \u200b").replace("'", "&#39;") + "</div>\n\nShare on Facebook\n"


def test_the_order_is_kept_with_what_could_not_be_read_in_between(
    predictor: Predictor, articles: list[Article]
) -> None:
    stream: list[Article | Unreadable] = [*articles, *articles]
    for place in (0, 3, 35, len(stream)):
        stream.insert(place, Unreadable(f"bad {place}", "byte 7 is not UTF-8"))
    verdicts = list(predictor.predict(stream))
    assert [verdict.id for verdict in verdicts] == [item.id for item in stream]
    for item, verdict in zip(stream, verdicts, strict=True):
        if isinstance(item, Unreadable):
            assert (verdict.status, verdict.reason) == ("failed", "byte 7 is not UTF-8")
            assert verdict.article == dict.fromkeys(("title", "url", "outlet", "published"))
        else:
            assert verdict.status != "failed"


def test_articles_are_taken_as_they_are_needed(predictor: Predictor, articles: list[Article]) -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield articles[0]

    verdicts = predictor.predict(endless())  # type: ignore[arg-type]
    assert taken == 0
    next(verdicts)
    assert 0 < taken < 100


@pytest.mark.parametrize("kind", UNJUDGEABLE)
def test_what_cannot_be_judged_fails_with_a_reason_and_no_scores(predictor: Predictor, kind: str) -> None:
    article = Article(kind, UNJUDGEABLE[kind], url="https://example.org/a", outlet="The Wire")
    [verdict] = predictor.predict([article])
    assert verdict.status == "failed"
    assert verdict.reason
    assert [name for name in SCORED_FIELDS if getattr(verdict, name) is not None] == []
    assert verdict.article["url"] == "https://example.org/a"
    assert verdict.model == predictor.bundle.identity


def test_the_reasons_name_what_is_wrong(predictor: Predictor) -> None:
    reasons = [v.reason or "" for v in predictor.predict(Article(k, t) for k, t in UNJUDGEABLE.items())]
    expected = ["empty", "empty", "too short: 11 letters", "not language: mostly digits", "not language: the same"]
    for reason, start in zip(reasons, expected, strict=True):
        assert reason.startswith(start), reason


def test_one_bad_article_changes_no_other(predictor: Predictor, articles: list[Article]) -> None:
    clean = list(predictor.predict(articles[:5]))
    mixed = list(predictor.predict([Article("x", ""), *articles[:5], Article("y", UNJUDGEABLE["symbols"])]))
    for one, other in zip(clean, mixed[1:-1], strict=True):
        assert one.flag_probability == pytest.approx(other.flag_probability, abs=2e-6)
        assert one.status == other.status


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("scorer", ["blend", "encoder", "lexical"])
def test_an_article_is_flagged_exactly_when_its_probability_reaches_the_threshold(
    bundle: Bundle, articles: list[Article], profile: Profile, scorer: Scorer
) -> None:
    predictor = Predictor(bundle, profile=profile, scorer=scorer)
    threshold = bundle.decisions[scorer].flag[profile]
    for verdict in predictor.predict(articles):
        assert verdict.flag_probability is not None
        if verdict.status == "scored":
            assert verdict.flag is (verdict.flag_probability >= threshold)
        else:
            assert verdict.status == "abstained"
            assert verdict.flag is None
            assert verdict.reason is not None
            assert verdict.reason.startswith("undecided: flag probability ")


def test_a_probability_on_the_threshold_is_flagged(bundle: Bundle, articles: list[Article]) -> None:
    [verdict] = Predictor(bundle).predict(articles[:1])
    exact = dict.fromkeys(PROFILES, verdict.flag_probability)
    [flagged] = Predictor(deciding(bundle, flag=exact, band=0.0)).predict(articles[:1])
    assert flagged.flag is True


def test_profiles_flag_more_or_less(bundle: Bundle, articles: list[Article]) -> None:
    decided = deciding(bundle, band=0.0)
    flagged = {
        profile: sum(v.flag is True for v in Predictor(decided, profile=profile).predict(articles))
        for profile in PROFILES
    }
    assert flagged["high-recall"] >= flagged["balanced"] >= flagged["high-precision"]


def test_scores_are_probabilities_of_every_label(predictor: Predictor, articles: list[Article], bundle: Bundle) -> None:
    codebook = bundle.codebook
    for verdict in predictor.predict(articles):
        assert verdict.role is not None
        assert verdict.actors is not None
        assert verdict.narratives is not None
        assert tuple(verdict.role) == codebook.role_codes
        assert tuple(verdict.actors) == codebook.actor_codes
        assert tuple(verdict.narratives) == codebook.narrative_codes
        assert sum(verdict.role.values()) == pytest.approx(1, abs=1e-5)
        every = [*verdict.role.values(), *verdict.actors.values(), *verdict.narratives.values()]
        assert all(0 <= value <= 1 for value in every)


def test_a_flagged_article_has_a_role_that_flags_and_a_clear_text_no_narrative(
    bundle: Bundle, articles: list[Article]
) -> None:
    everything = dict.fromkeys(PROFILES, 0.0)
    for verdict in Predictor(deciding(bundle, flag=everything, band=0.0)).predict(articles):
        assert verdict.flag is True
        assert verdict.role_label in bundle.codebook.flagging_roles
    nothing = dict.fromkeys(PROFILES, 1.0)
    for verdict in Predictor(deciding(bundle, flag=nothing, band=0.0)).predict(articles):
        assert verdict.flag is False
        if verdict.role_label == "none":
            assert verdict.narratives_flagged == ()
            assert verdict.evidence == ()


def test_narratives_are_those_that_reach_the_threshold_likeliest_first(bundle: Bundle, articles: list[Article]) -> None:
    every = deciding(bundle, narrative=0.0, flag=dict.fromkeys(PROFILES, 0.0), band=0.0)
    for verdict in Predictor(every).predict(articles[:5]):
        assert verdict.narratives is not None
        assert verdict.narratives_flagged is not None
        ranked = [verdict.narratives[code] for code in verdict.narratives_flagged]
        assert len(ranked) == len(bundle.codebook.narratives)
        assert ranked == sorted(ranked, reverse=True)
    roles = bundle.codebook.flagging_roles
    fallback = {"narrative": 1.1, "flag": dict.fromkeys(PROFILES, 0.0), "band": 0.0}
    for verdict in Predictor(deciding(bundle, naming_roles=roles, **fallback)).predict(articles[:5]):
        assert len(verdict.narratives_flagged or ()) == 1, "the likeliest where none reaches it"
    for verdict in Predictor(deciding(bundle, naming_roles=(), **fallback)).predict(articles[:5]):
        assert verdict.narratives_flagged == ()


@pytest.mark.parametrize("scorer", ["blend", "encoder", "lexical"])
@pytest.mark.parametrize("titled", [True, False])
@pytest.mark.parametrize("dirt", [True, False])
def test_evidence_is_exactly_the_articles_own_words(
    bundle: Bundle, articles: list[Article], scorer: Scorer, titled: bool, dirt: bool
) -> None:
    given = [
        replace(
            article,
            text=dirty(article.text) if dirt else article.text,
            title=f"Le pont\u00a0\u200b🌉 de {article.id}: a story of many words" if titled else None,
        )
        for article in articles[:10]
    ]
    flagging = deciding(bundle, flag=dict.fromkeys(PROFILES, 0.0), band=0.0)
    found = 0
    for article, verdict in zip(given, Predictor(flagging, scorer=scorer).predict(given), strict=True):
        assert verdict.evidence
        heads = [e.head for e in verdict.evidence]
        assert heads.count("role") in (1, 2, 3)
        assert set(heads) - {"role"} <= set(verdict.narratives_flagged or ())
        for e in verdict.evidence:
            source = article.text if e.field == "text" else article.title
            assert source is not None
            assert source[e.start : e.end] == e.text
            assert e.text.strip()
            assert 0 <= e.score <= 1
            found += e.field == "text"
    assert found >= len(given) // 2


def test_evidence_in_arabic_with_emoji_indexes_the_original(bundle: Bundle) -> None:
    text = (
        "\u200fقالت الحكومة 🌉 إنّ الجسر الجديد سيُفتتح يوم الأحد.  وإنّ التجّار 👩🏾‍🌾 ينتظرون منذ أشهر طويلة.\r\n\r\n"
        "ولم يذكر المدير سبب التأخير 👍🏿."
    )
    flagging = deciding(bundle, flag=dict.fromkeys(PROFILES, 0.0), band=0.0)
    [verdict] = Predictor(flagging).predict([Article("1", text)])
    assert verdict.language == "ar"
    assert verdict.evidence
    for e in verdict.evidence:
        assert text[e.start : e.end] == e.text


def test_a_language_never_trained_on_is_said_and_gets_a_wider_band(bundle: Bundle) -> None:
    decisions = bundle.decisions["blend"]
    assert decisions.languages == ("en", "fr")
    article = Article("1", SWAHILI)
    [verdict] = Predictor(deciding(bundle, band=0.0)).predict([article])
    assert (verdict.language, verdict.status) == ("sw", "scored")
    assert verdict.reason == "language never trained on (sw): pooled calibration, wider abstain band"
    # A threshold 1.5 bands away: decided in a language that was trained on, left open in this one.
    assert verdict.flag_probability is not None
    distance = abs(log_odds(verdict.flag_probability) - log_odds(0.5))
    narrow = deciding(bundle, flag=dict.fromkeys(PROFILES, 0.5), band=distance / 1.5)
    [left_open] = Predictor(narrow).predict([article])
    assert left_open.status == "abstained"
    assert left_open.reason is not None
    assert "undecided" in left_open.reason
    assert "never trained on (sw)" in left_open.reason
    trained = replace(narrow, decisions={n: replace(d, languages=("sw",)) for n, d in narrow.decisions.items()})
    [decided] = Predictor(trained).predict([article])
    assert (decided.status, decided.reason) == ("scored", None)


def test_a_long_article_is_cut_with_a_note(bundle: Bundle, tiny_bundle: Path, articles: list[Article]) -> None:
    layout = WindowLayout.from_dict(bundle_files.read_json(tiny_bundle / bundle_files.WINDOWS))
    encoder = EncoderModel.load(
        tiny_bundle / bundle_files.GRAPH, tiny_bundle / bundle_files.TOKENIZER, replace(layout, most=2)
    )
    long = replace(articles[0], text=" ".join(article.text for article in articles[:3]))
    [whole] = Predictor(bundle).predict([long])
    [capped] = Predictor(replace(bundle, encoder=encoder)).predict([long])
    assert "further tokens" not in (whole.reason or "")
    assert capped.reason is not None
    assert re.search(r"read the first 2 windows; \d+ further tokens were not read$", capped.reason)


def test_prediction_needs_no_training_library(tiny_bundle: Path, predictor: Predictor, articles: list[Article]) -> None:
    texts = [article.text for article in articles[:3]]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", ELSEWHERE, str(tiny_bundle)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "11"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["on import"] == []
    assert told["on use"] == []
    here = [verdict.to_dict() for verdict in predictor.predict(Article(str(n), text) for n, text in enumerate(texts))]
    for one, other in zip(told["verdicts"], here, strict=True):
        assert one["flag_probability"] == pytest.approx(other["flag_probability"], abs=2e-6)
        assert [e["text"] for e in one["evidence"]] == [e["text"] for e in other["evidence"]]


def test_verdicts_name_model_and_article(predictor: Predictor, articles: list[Article]) -> None:
    article = replace(articles[0], title="A bridge", url="https://example.org/b", outlet="Wire", published="2025-01-02")
    [verdict] = predictor.predict([article])
    assert verdict.article == {
        "title": "A bridge",
        "url": "https://example.org/b",
        "outlet": "Wire",
        "published": "2025-01-02",
    }
    assert verdict.model == predictor.bundle.identity
    assert json.loads(json.dumps(verdict.to_dict()))["language"] == verdict.language


def test_the_outlet_is_never_read(predictor: Predictor, articles: list[Article]) -> None:
    hidden = {"outlet": "Sputnik", "url": "https://sputnik.example/x", "published": "2024-01-01", "language": "ru"}
    [bare, dressed] = predictor.predict([articles[0], replace(articles[0], **hidden)])
    assert scores(bare) == scores(dressed)


def scores(verdict: Verdict) -> list[object]:
    return [getattr(verdict, name) for name in ("status", "language", *SCORED_FIELDS)]


def test_an_unknown_profile_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="'sharp' is unknown: choose balanced, high-recall, high-precision"):
        Predictor(bundle, profile="sharp")  # type: ignore[arg-type]


def test_a_scorer_that_the_bundle_lacks_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="tiny scores by lexical, not by encoder"):
        Predictor(replace(bundle, encoder=None), scorer="encoder")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not there"):
        Predictor.load(tmp_path / "nowhere")
