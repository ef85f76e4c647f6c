"""The report in headless Chromium, in a frame as MLflow's artifact viewer has it: scripts alone are allowed."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus
from fimiscope.evaluation.contrast import constant_rule
from fimiscope.evaluation.curves import EpochFigures
from fimiscope.evaluation.report import Report
from fimiscope.evaluation.suite import Suite

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(report_of: Callable[..., Report], tiny_corpus: Corpus, codebook: Codebook) -> Report:
    epochs = [EpochFigures(n, 10 * n, 1 / n, 1.2 / n, {"flag/pr_auc": 0.3 * n}) for n in (1, 2, 3)]
    contrasts = [constant_rule(Suite.load(codebook).of_round(1), codebook)]
    return report_of(contrasts=contrasts, corpus=tiny_corpus, epochs=epochs)


@pytest.fixture(scope="module")
def viewer(chromium: Any, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A page of somebody else's, with the report in its frame."""
    path = tmp_path_factory.mktemp("viewer") / "viewer.html"
    frame = f'<iframe title="report" sandbox="allow-scripts" srcdoc="{html.escape(report.to_html())}"></iframe>'
    style = "<style>body { margin: 0 } iframe { border: 0; width: 100%; height: 100vh }</style>"
    path.write_text(f'<!doctype html><html lang="en"><title>Viewer</title>{style}{frame}</html>', encoding="utf-8")
    chromium.get(path.as_uri())
    return chromium


@pytest.fixture
def page(viewer: Any) -> Any:
    """The inside of the frame."""
    viewer.switch_to.default_content()
    viewer.switch_to.frame(0)
    return viewer


def find(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def row(page: Any, name: str) -> list[str]:
    return page.execute_script(
        "return [...document.querySelectorAll('#explored-rows tr')].map((one) => [...one.cells]"
        ".map((cell) => cell.textContent)).find(([name]) => name === arguments[0])",
        name,
    )


def test_nothing_is_asked_for_and_nothing_is_wrong(page: Any) -> None:
    assert find(page, "h1").text == "Report: invented"
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = {one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"}
    assert {address.partition(":")[0] for address in asked} <= {"file", "about"}
    assert page.get_log("browser") == []


def test_the_threshold_moves_by_keyboard_and_the_figures_follow(page: Any, report: Report) -> None:
    from selenium.webdriver.common.keys import Keys

    before = find(page, "#said").text
    slider = find(page, "#threshold")
    for _ in range(15):
        slider.send_keys(Keys.ARROW_RIGHT)
    assert find(page, "#threshold-shown").text == "0.65"
    assert find(page, "#said").text != before
    told = {line[0]: line for line in report.thresholds.rows}["0.65"]
    judged = report.model.judged
    _, texts, gold, flags, right, precision, recall, *expected = row(page, "all")
    assert [int(flags), int(right), precision, recall] == list(told[1:])
    assert (int(texts), int(gold)) == (len(judged), judged.flag.sum())
    found, false = int(right) / int(gold), (int(flags) - int(right)) / (int(texts) - int(gold))
    wanted = (50 * found + 950 * false, 50 * found, 50 - 50 * found)
    assert [int(one) for one in expected] == pytest.approx(wanted, abs=0.5)
    for language in ("en", "fr"):
        mine = np.array([one == language for one in judged.languages])
        given = (judged.flag_probability >= 0.65) & mine
        counts = (mine, judged.flag & mine, given, given & judged.flag)
        assert row(page, language)[1:5] == [str(one.sum()) for one in counts]
    find(page, "#in-use").send_keys(Keys.ENTER)
    assert find(page, "#said").text == before


def test_base_rate_and_language_change_what_is_said(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    base = find(page, "#base")
    assert base.get_property("value") == "50"
    base.send_keys(Keys.ARROW_UP)
    assert "of which 51 are flagged in truth" in find(page, "#said").text
    base.send_keys(Keys.ARROW_DOWN)
    language = find(page, "#explored-language")
    language.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert re.match(rf"At 0\.50 \(fr\): {row(page, 'fr')[3]} flags", find(page, "#said").text)
    assert find(page, "#explored-rows .model th").text == "fr"
    language.send_keys(Keys.HOME)
    assert find(page, "#explored-rows .model th").text == "all"


def test_the_explored_threshold_stands_on_the_curve(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    def place() -> tuple[float, float]:
        return tuple(float(find(page, "#explored").get_attribute(name)) for name in ("cx", "cy"))

    find(page, "#in-use").send_keys(Keys.ENTER)
    _, _, _, _, _, precision, recall, *_ = row(page, "all")
    at, before = place(), find(page, "#explored").get_attribute("visibility")
    assert before == "visible"
    assert at == pytest.approx((46 + float(recall) * 302, 248 - float(precision) * 236), abs=2)
    find(page, "#threshold").send_keys(Keys.END)
    assert find(page, "#explored").get_attribute("visibility") == "hidden"
    find(page, "#in-use").send_keys(Keys.ENTER)


def test_links_of_the_contents_stay_in_the_frame(page: Any) -> None:
    find(page, 'nav a[href="#errors"]').click()
    assert page.execute_script("return document.activeElement.id") == "errors"
    assert page.execute_script("return Math.abs(document.getElementById('errors').getBoundingClientRect().top) < 60")
    assert find(page, "h1").text == "Report: invented"
    page.switch_to.default_content()
    assert page.title == "Viewer"
    assert "#" not in page.current_url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_accessible_at_any_width(
    page: Any,
    emulate: Callable[[Any, int, str], None],
    assert_accessible: Callable[[Any], None],
    width: int,
    scheme: str,
) -> None:
    emulate(page, width, scheme)
    page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert_accessible(page)
