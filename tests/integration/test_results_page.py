"""The page of results in headless Chromium: 10,000 invented articles, filtered, sorted and read as a person would."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fimiscope.bundle.decisions import PROFILES, Decisions
from fimiscope.bundle.verdicts import scored_verdict
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.predict.passages import passages
from fimiscope.predict.writing import open_writer
from fimiscope.reading import legibility_fault
from fimiscope.records import Article, Evidence, Verdict

pytestmark = pytest.mark.browser

CODEBOOK = Codebook.load()
ARTICLES = 10_000
HOSTILE = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
SENTENCES = {
    "en": (
        "[Invented] The council of Kolo met.",
        "[Invented] The far bank wants the mines of Kolo.",
        "[Invented] It rained.",
    ),
    "fr": (
        "[Inventé] Le conseil de Kolo siège.",
        "[Inventé] L’autre rive convoite les mines de Kolo.",
        "[Inventé] Il a plu.",
    ),
    "ar": ("[متخيل] اجتمع مجلس كولو.", "[متخيل] الضفة الأخرى تريد مناجم كولو.", "[متخيل] هطل المطر."),
}
SLOWEST_FILTER = 200
"""Milliseconds of the page's thread from a change of a filter to the new rows laid out, on average."""


def invented(number: int, chance: random.Random) -> tuple[Article, Verdict]:
    language = chance.choice(list(SENTENCES))
    before, claim, after = SENTENCES[language]
    text = f"\U0001f600 {before} {claim} {after}"
    article = Article(
        f"invented-{number}",
        text,
        HOSTILE if number == 0 else f"{before} {number}",
        published=f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}",
        outlet=f"Invented paper {number % 40}",
        url="javascript:window.ran=3" if number == 0 else f"https://example.org/{number}",
    )
    about = {name: getattr(article, name) for name in ("title", "url", "outlet", "published")}
    if number % 50 == 49:
        return article, Verdict(article.id, "failed", "empty", article=about)
    probability = 1.0 if number == 0 else round(chance.random() * 0.99, 4)
    flagged = probability >= 0.6
    undecided = 0.55 <= probability < 0.6
    start = text.index(claim)
    codes = (chance.choice(CODEBOOK.narrative_codes),) if flagged else ()
    evidence = (Evidence(start, start + len(claim), claim, "role", 0.9),)
    return article, Verdict(
        article.id,
        "abstained" if undecided else "scored",
        "undecided: too near the threshold" if undecided else None,
        flag=None if undecided else flagged,
        flag_probability=probability,
        role_label=chance.choice(CODEBOOK.flagging_roles) if flagged else NO_ROLE,
        actors=dict.fromkeys(CODEBOOK.actor_codes, 0.5),
        narratives=dict.fromkeys(CODEBOOK.narrative_codes, 0.25),
        narratives_flagged=codes,
        evidence=evidence if flagged or undecided else (),
        language=language,
        article=about,
        model={"name": "invented-model", "version": "7", "codebook": CODEBOOK.version, "trained_on": "nothing"},
    )


@pytest.fixture(scope="module")
def results() -> list[tuple[Article, Verdict]]:
    chance = random.Random(13)
    return [invented(number, chance) for number in range(ARTICLES)]


@pytest.fixture(scope="module")
def driver(chromium: Any, results: list[tuple[Article, Verdict]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("page") / "results.html"
    with open_writer(path, CODEBOOK) as writer:
        for article, verdict in results:
            writer.write(verdict, passages(article, verdict))
    chromium.get(path.as_uri())
    return chromium


@pytest.fixture
def page(driver: Any) -> Any:
    """The page as it is when it has just been opened, in English."""
    driver.refresh()
    driver.execute_script("document.querySelector('[data-language=en]').click()")
    return driver


def find(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def texts(page: Any, selector: str) -> list[str]:
    return page.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector
    )


def fill(page: Any, field: str, value: str) -> None:
    page.execute_script(
        "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event('input', { bubbles: true }))",
        field,
        value,
    )


def hits(page: Any) -> int:
    return int(find(page, "#hits").text.split(" ")[0].replace(",", ""))


def counted(results: list[tuple[Article, Verdict]], wanted: Any) -> int:
    found = sum(1 for _, verdict in results if wanted(verdict))
    assert found
    return found


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_wrong(page: Any) -> None:
    assert hits(page) == ARTICLES
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = {one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"}
    assert {address.partition(":")[0] for address in asked} == {"file"}
    assert len(asked) == 1
    assert page.get_log("browser") == []


def test_what_a_title_says_does_not_run(page: Any) -> None:
    assert texts(page, "td.article h3")[0] == HOSTILE
    assert page.execute_script("return window.ran ?? null") is None
    first = find(page, "#rows tr:first-child")
    assert "javascript:window.ran=3" in first.text
    assert first.find_elements("css selector", "a, img, script") == []
    links = page.find_elements("css selector", "#rows a")
    assert len(links) > 10
    assert all(one.get_attribute("href").startswith("https://example.org/") for one in links)
    assert all("noreferrer" in one.get_attribute("rel") for one in links)


def test_the_policy_stops_what_is_not_the_pages_own(page: Any) -> None:
    said = page.execute_script(
        "try { document.body.innerHTML = arguments[0]; return 'set'; } catch (error) { return error.message; }", HOSTILE
    )
    assert "TrustedHTML" in said
    page.execute_async_script(
        "const done = arguments[0], image = new Image(); image.onerror = image.onload = () => done();"
        "image.src = 'https://example.org/x.png'"
    )
    assert page.execute_script("return window.ran ?? null") is None
    assert any("img-src" in entry["message"] for entry in page.get_log("browser"))


def test_evidence_is_marked(page: Any) -> None:
    marked = texts(page, "mark.role")
    claims = {claim for _, claim, _ in SENTENCES.values()}
    assert len(marked) >= 20
    assert set(marked) == claims
    assert find(page, "mark").get_attribute("title") == "evidence for Role"


def test_filters_count_what_the_verdicts_say(page: Any, results: list[tuple[Article, Verdict]]) -> None:
    code, role = CODEBOOK.narrative_codes[3], CODEBOOK.flagging_roles[1]
    for field, value, wanted in (
        ("outcome", "abstained", lambda one: one.outcome == "abstained"),
        ("role", role, lambda one: one.role_label == role),
        ("narrative", code, lambda one: code in (one.narratives_flagged or ())),
        ("language", "fr", lambda one: one.language == "fr"),
        ("outlet", "paper 7", lambda one: one.article["outlet"].endswith(" 7")),
        ("search", "CONVOITE invente", lambda one: one.language == "fr" and one.evidence),
        ("least", "0.9", lambda one: (one.flag_probability or 0) >= 0.9),
    ):
        fill(page, field, value)
        assert hits(page) == counted(results, wanted), field
        fill(page, field, "0" if field == "least" else "")
        assert hits(page) == ARTICLES
    fill(page, "outcome", "flagged")
    fill(page, "language", "ar")
    assert hits(page) == counted(results, lambda one: one.flag and one.language == "ar")
    fill(page, "search", "no such words")
    assert hits(page) == 0
    assert find(page, "#none-found").is_displayed()
    find(page, "#clear").click()
    assert hits(page) == ARTICLES


def test_filtering_is_quick(page: Any) -> None:
    # Processor time, not a clock's: other work on the machine changes nothing.
    page.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})

    def used() -> float:
        metrics = page.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return 1000 * next(one["value"] for one in metrics if one["name"] == "ThreadTime")

    words = ("kolo", "rive", "mines k", "", "1", "rain")
    before = used()
    for search in words:
        fill(page, "search", search)
        page.execute_script("document.body.getBoundingClientRect()")
    assert 0 < (used() - before) / len(words) < SLOWEST_FILTER


def test_columns_sort_both_ways(page: Any) -> None:
    def shown(column: str) -> list[str]:
        return [one for one in texts(page, f"td.{column}") if one != "–"]

    assert shown("probability") == sorted(shown("probability"), reverse=True)
    assert find(page, "th.probability").get_attribute("aria-sort") == "descending"
    find(page, "th.probability button").click()
    assert shown("probability") == sorted(shown("probability"))
    assert float(shown("probability")[0]) < 0.01
    assert find(page, "th.probability").get_attribute("aria-sort") == "ascending"
    find(page, "th.published button").click()
    assert shown("published")[0].startswith("2025-12-28")
    assert page.execute_script("return document.activeElement.dataset.sort") == "published"
    find(page, "th.outlet button").click()
    assert set(shown("outlet")) == {"Invented paper 0"}
    find(page, "#clear").click()
    assert shown("probability") == sorted(shown("probability"), reverse=True)
    assert find(page, "th.probability").get_attribute("aria-sort") == "descending"
    assert find(page, "th.outlet").get_attribute("aria-sort") is None
    assert find(page, "#sort").get_attribute("value") == "probability true"


def test_pages_of_results_turn(page: Any) -> None:
    first = texts(page, "td.article .id")
    assert find(page, "#previous").get_property("disabled")
    find(page, "#next").click()
    second = texts(page, "td.article .id")
    assert not set(first) & set(second)
    assert "Page 2 of 400" in find(page, "#page").text
    assert page.execute_script("return document.activeElement.id") == "articles"
    find(page, "#previous").click()
    assert texts(page, "td.article .id") == first


def test_it_speaks_french_and_english(page: Any) -> None:
    entry = CODEBOOK.narratives[0]
    assert entry.name["en"] in texts(page, "#narratives dt")[0]
    fill(page, "narrative", entry.code)
    number = hits(page)
    find(page, "[data-language=fr]").click()
    assert page.execute_script("return document.documentElement.lang") == "fr"
    assert entry.name["fr"] in texts(page, "#narratives dt")[0]
    assert entry.name["fr"] in texts(page, "td.article .narratives li")[0]
    assert [one.definitions["fr"] for one in CODEBOOK.narratives] == texts(page, "#narratives dd")
    assert not find(page, "#definition-language").is_displayed()
    assert set(texts(page, "td.role")) <= {one.name["fr"] for one in CODEBOOK.roles}
    assert "ne juge pas" in find(page, ".notice").text
    assert find(page, "#hits").text.startswith(f"{number} articles sur 10")
    assert find(page, "[data-language=fr]").get_attribute("aria-pressed") == "true"
    assert texts(page, "th")[0].startswith("Probabilité")
    find(page, "[data-language=en]").click()
    assert "does not judge" in find(page, ".notice").text


def test_reasons_are_french_on_a_french_page(chromium: Any, tmp_path: Path, driver: Any) -> None:
    """Reasons as the code gives them, so that no other wording slips in; what the page has no words for stays."""
    home = driver.current_url
    unreadable = (
        "",
        "Bala",
        "\ufffd".join("Le marche rouvre enfin a Bala ce matin"),
        "a1b2c3d4e5-" * 20 + "0123456789" * 40,
        "achetez " * 60,
        b64encode(random.Random(7).randbytes(900)).decode(),
    )
    faults = [legibility_fault(text) for text in unreadable]
    assert None not in faults and len(set(faults)) == len(unreadable)
    decisions = Decisions(dict.fromkeys(PROFILES, 0.4), 0.5, 1.0, ("en",), ())
    undecided = scored_verdict(
        *(Article("undecided", ""), "sw", np.full(sum(len(head.labels) for head in CODEBOOK.heads()), 0.41)),
        *(CODEBOOK, decisions),
        profile="balanced",
        model={},
        remarks=["read the first 64 windows; 3211 further tokens were not read", "it came by pigeon"],
    )
    with open_writer(tmp_path / "reasons.html", CODEBOOK) as writer:
        for number, fault in enumerate(faults):
            writer.write(Verdict(f"failed-{number}", "failed", fault))
        writer.write(undecided)
    try:
        chromium.get((tmp_path / "reasons.html").as_uri())
        in_english = texts(chromium, ".reason")
        assert set(in_english) == {*faults, str(undecided.reason).replace("(sw)", "(Swahili)")}
        find(chromium, "[data-language=fr]").click()
        assert texts(chromium, ".reason [lang=en]") == ["it came by pigeon"]
        in_french = texts(chromium, ".reason")
        assert not set(in_french) & set(in_english)
        [said] = [one for one in in_french if one.startswith("indécis")]
        assert "la probabilité d’être signalé, 0,41, est trop près du seuil; langue absente" in said
        assert "(swahili)" in said and "les 64 premières fenêtres" in said
        find(chromium, "[data-language=en]").click()
        assert texts(chromium, ".reason") == in_english
    finally:
        chromium.get(home)


def test_a_codebook_without_french_definitions_says_so(
    chromium: Any, results: list[tuple[Article, Verdict]], tmp_path: Path, driver: Any
) -> None:
    home = driver.current_url
    document = CODEBOOK.to_dict()
    for entry in (*document["roles"], *document["actors"], *document["narratives"], document["africa"]):
        entry["definition"] = entry["definition"]["en"]
    with open_writer(tmp_path / "plain.html", Codebook.from_dict(document)) as writer:
        writer.write(results[0][1])
    try:
        chromium.get((tmp_path / "plain.html").as_uri())
        find(chromium, "[data-language=fr]").click()
        assert find(chromium, "#definition-language").is_displayed()
        assert [one.definition for one in CODEBOOK.narratives] == texts(chromium, "#narratives dd[lang=en]")
        assert CODEBOOK.narratives[0].name["fr"] in texts(chromium, "#narratives dt")[0]
    finally:
        chromium.get(home)


def test_the_notice_and_the_model_are_in_sight(page: Any) -> None:
    assert find(page, ".notice").is_displayed()
    assert find(page, ".notice").location["y"] < 300
    assert f"invented-model, version 7 · Codebook {CODEBOOK.version}" in find(page, "footer").text
    assert [one.definition for one in CODEBOOK.narratives] == texts(page, "#narratives dd")


def test_all_is_reached_by_keyboard_and_the_focus_shows(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page.execute_script("window.scrollTo(0, 0); document.activeElement.blur()")
    reached, outlines = [], []
    for _ in range(30):
        page.switch_to.active_element.send_keys(Keys.TAB)
        name, outline = page.execute_script(
            "const one = document.activeElement;"
            "return [one.id || one.dataset.sort || one.dataset.language || one.className || one.type || one.tagName,"
            " getComputedStyle(one).outlineStyle]"
        )
        reached.append(name)
        outlines.append(outline)
    first = ["skip", "en", "fr", "search", "outcome", "role", "narrative", "language", "outlet", "least", "clear"]
    columns = ["probability", "outcome", "article", "role", "outlet", "published", "language"]
    assert reached[: len(first) + len(columns)] == first + columns
    assert "none" not in outlines
    find(page, "th.outlet button").send_keys(Keys.ENTER)
    assert find(page, "th.outlet").get_attribute("aria-sort") == "ascending"
    find(page, ".skip").send_keys(Keys.ENTER)
    assert page.execute_script("return document.activeElement.id") == "articles"


@pytest.fixture
def emulated(page: Any, emulate: Callable[[Any, int, str], None]) -> Iterator[Callable[[int, str], None]]:
    """Sets width and colour scheme; both are as before at the end."""
    yield lambda width, scheme: emulate(page, width, scheme)
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


# 640 is a window of 1280 at 200 %; 320 is the least that WCAG asks for (1.4.10).
@pytest.mark.parametrize("width", [1280, 640, 320])
def test_it_fits_any_width(page: Any, emulated: Callable[[int, str], None], width: int) -> None:
    emulated(width, "light")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert find(page, "td.article mark").is_displayed()
    assert find(page, "#sort").is_displayed() == (width < 1024)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_violation(
    page: Any,
    emulated: Callable[[int, str], None],
    assert_accessible: Callable[[Any], None],
    width: int,
    scheme: str,
) -> None:
    emulated(width, scheme)
    assert_accessible(page)
