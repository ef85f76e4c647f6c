"""The annotators' loop as people go through it.

A queue, 20 texts labelled by keyboard in headless Chromium, a merge with a second annotator, an adjudicator, and a
training run that says who labelled.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.checksums import sha256_of_file, sha256_of_text
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.config import Config
from fimiscope.pipeline import load_corpus
from fimiscope.predict import Predictor
from fimiscope.predict.writing import open_writer
from fimiscope.reading import read_articles
from fimiscope.records import Article
from fimiscope.shipped import shipped

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from conftest import Workplace

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
TEXTS = 20
RUN_ID = re.compile(r"MLflow run  (\w{32})")
Gold = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """A folder with articles, what a model said of them, the queue, and how each text should be labelled."""

    folder: Path
    gold: Gold

    @property
    def articles(self) -> Path:
        return self.folder / "inbox.jsonl"


@pytest.fixture(scope="module")
def batch(workplace: Workplace, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """20 invented texts of families that the tiny bundle does not know, scored by it; one of them is hostile."""
    folder = tmp_path_factory.mktemp("a batch")
    rows = [json.loads(line) for line in shipped("sample/corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    families = list(dict.fromkeys(row["family"] for row in rows if row["language"] in ("en", "fr")))
    # Not every seventh, which the tiny corpus has.
    new = {family for number, family in enumerate(families) if number % 7 == 3}
    by_role: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["family"] in new:
            by_role.setdefault(row["role"], []).append(row)
    chosen = [row for own in by_role.values() for row in own[:: len(own) // 5][:5]]
    assert len(chosen) == TEXTS
    hostile = chosen[0]
    start = f"{HOSTILE} \u2028 \U0001f600 "
    hostile["title"], hostile["text"] = HOSTILE, start + hostile["text"]
    for span in hostile["evidence"]:
        span["start"], span["end"] = span["start"] + len(start), span["end"] + len(start)
    one = Batch(folder, {row["id"]: row for row in chosen})
    fields = ("id", "title", "text")
    one.articles.write_text("".join(json.dumps({f: row[f] for f in fields}) + "\n" for row in chosen), encoding="utf-8")
    articles = [article for article in read_articles([one.articles]) if isinstance(article, Article)]
    with open_writer(folder / "scores.csv", Codebook.load()) as writer:
        for verdict in Predictor.load(tiny_bundle).predict(articles):
            writer.write(verdict)
    words = ("review", "build", folder / "scores.csv", "--articles", one.articles, "--output", folder / "queue")
    done = workplace.run(*words, "--size", "50", "--json")
    assert json.loads(done.stdout)["texts"] == TEXTS
    return one


@pytest.fixture(scope="module")
def browser(batch: Batch, chromium: Any) -> Any:
    """Chromium that stores downloads in the folder of the batch."""
    downloads = {"behavior": "allow", "downloadPath": str(batch.folder)}
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
    return chromium


@pytest.fixture
def page(browser: Any, batch: Batch) -> Iterator[Any]:
    """The page of the queue as a new annotator opens it, in English."""
    browser.get((batch.folder / "queue" / "queue.html").as_uri())
    browser.execute_script("localStorage.clear(); withUnexported.clear()")
    browser.get((batch.folder / "queue" / "queue.html").as_uri())
    browser.execute_script("document.querySelector('[data-language=en]').click()")
    yield browser
    browser.execute_script("withUnexported.clear()")


def find(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def text_of(page: Any, selector: str) -> str:
    return page.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def texts(page: Any, selector: str) -> list[str]:
    return page.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector
    )


def press(page: Any, *keys: str) -> None:
    """Type on the keyboard, wherever the focus is."""
    from selenium.webdriver import ActionChains

    chain = ActionChains(page, duration=0)
    for key in keys:
        chain.send_keys(key)
    chain.perform()


def begin(page: Any, name: str) -> None:
    find(page, "#name").send_keys(name, "\n")


def change_name(page: Any, name: str) -> None:
    find(page, "#annotator").click()
    find(page, "#name").clear()
    begin(page, name)


def open_file(page: Any, file: Path) -> None:
    """Open a file on the first page, and wait until it says what came of it."""
    find(page, "#file").send_keys(str(file))
    for _ in range(50):
        if "file" in text_of(page, "#name-hint").removeprefix("It goes into the file"):
            return
        time.sleep(0.1)
    raise AssertionError("the page says nothing of the file")


def key_of(page: Any, field: str, value: str) -> str:
    return find(page, f"[id='{field}-{value}']").get_attribute("aria-keyshortcuts")


def shown_id(page: Any) -> str:
    return page.execute_script("return item().id")


def label(page: Any, gold: dict[str, Any]) -> None:
    """Label the text in sight as its gold labels say, by keys alone."""
    from selenium.webdriver.common.keys import Keys

    press(page, key_of(page, "role", gold["role"]), "y" if gold["africa"] else "n")
    for field in ("actors", "narratives"):
        press(page, *(key_of(page, field, code) for code in gold[field]))
    if gold["evidence"]:
        first = gold["evidence"][0]["start"]
        starts = page.execute_script("return item().sentences.map(([start]) => toCharacters(item().text, start))")
        press(page, *[Keys.ARROW_DOWN] * sum(start <= first for start in starts), "m")
    if gold["confidence"] == "low":
        press(page, "l")


def export(page: Any, folder: Path, name: str) -> Path:
    """Press the key for exporting, and wait for the file."""
    press(page, "x")
    for _ in range(100):
        if found := list(folder.glob(f"annotations-*-{name}.jsonl")):
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no file of {name} in {[path.name for path in folder.iterdir()]}")


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return {row["id"]: row for row in rows}


def codes_in_order(codebook: Codebook, gold: dict[str, Any]) -> tuple[list[str], list[str]]:
    actors = [code for code in codebook.actor_codes if code in gold["actors"]]
    return actors, [code for code in codebook.narrative_codes if code in gold["narratives"]]


@pytest.mark.slow
def test_20_texts_labelled_by_keyboard_end_up_in_a_training_run(
    page: Any,
    batch: Batch,
    workplace: Workplace,
    tiny_config: Config,
    client: MlflowClient,
    codebook: Codebook,
) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(page, "Ada")
    for number in range(TEXTS):
        assert text_of(page, "#position") == f"Text {number + 1} of {TEXTS}"
        label(page, batch.gold[shown_id(page)])
        press(page, Keys.ENTER)
    assert text_of(page, "#progress-words") == f"{TEXTS} of {TEXTS} labelled"
    assert text_of(page, "#said") == f"All {TEXTS} texts are labelled. Export them."
    first = export(page, batch.folder, "Ada")
    rows = rows_of(first)
    assert rows.keys() == batch.gold.keys()
    for identity, row in rows.items():
        gold = batch.gold[identity]
        assert (row["role"], row["africa"], row["confidence"]) == (gold["role"], gold["africa"], gold["confidence"])
        assert (row["actors"], row["narratives"]) == codes_in_order(codebook, gold)
        assert row["sha256"] == sha256_of_text(gold["text"])
        assert (row["corpus"], row["annotator"], row["codebook"]) == ("inbox", "Ada", codebook.version)
        if gold["evidence"]:
            [span] = row["evidence"]
            # The sentence that the gold evidence begins in.
            assert span["start"] <= gold["evidence"][0]["start"] < span["end"]
            assert gold["text"][span["start"] : span["end"]].strip() == gold["text"][span["start"] : span["end"]]
        assert "text" not in row

    # A second annotator differs on the role of one text and on a narrative of another.
    carried = [identity for identity, row in rows.items() if row["narratives"]][:2]
    other = {identity: {**row, "annotator": "Ben"} for identity, row in rows.items()}
    other[carried[0]]["role"] = next(role for role in codebook.flagging_roles if role != rows[carried[0]]["role"])
    other[carried[1]]["narratives"] = []
    second = batch.folder / "ben.jsonl"
    second.write_text("".join(json.dumps(row) + "\n" for row in other.values()), encoding="utf-8")
    texts = ("--texts", batch.articles)
    version = batch.folder / "version-1.jsonl"
    said = json.loads(workplace.run("review", "merge", first, second, *texts, "--output", version, "--json").stdout)
    agreement = {one["field"]: one for one in said["agreement"]}
    assert (agreement["role"]["texts"], agreement["role"]["agreed"]) == (TEXTS, TEXTS - 1)
    assert 0.9 < agreement["role"]["alpha"] < 1
    assert agreement["africa"]["alpha"] in (1, None)
    assert {one["id"] for one in said["disputed"]} == set(carried)
    assert said["joined"] == {"agreed": TEXTS - 2}

    # An adjudicator sees what was said, and decides by keyboard.
    adjudication = (
        "--from",
        said["to_adjudicate"],
        "--articles",
        batch.articles,
        "--output",
        batch.folder / "disputed",
    )
    workplace.run("review", "build", *adjudication)
    page.get((batch.folder / "disputed" / "queue.html").as_uri())
    begin(page, "Eva")
    for _ in carried:
        identity = shown_id(page)
        assert find(page, "#readings").is_displayed()
        assert batch.gold[identity]["role"] in text_of(page, "#readings-table")
        assert "Ben" not in text_of(page, "#readings-table")
        label(page, batch.gold[identity])
        press(page, Keys.ENTER)
    decided = export(page, batch.folder, "Eva")
    final = batch.folder / "version-2.jsonl"
    words = ("review", "merge", first, second, "--adjudicated", decided, *texts, "--output", final)
    output = workplace.run(*words).stdout
    assert "18 agreed" in output
    assert "2 adjudicated" in output
    assert "Agreement of annotators" in output

    # The new version trains a model, and the run says where the labels come from.
    document = tiny_config.model_dump(mode="json") | {"name": "annotated"}
    own = {"kind": "labelled", "path": str(final), "hold_out": {"valid": 0, "test": 0}}
    document["corpus"]["sources"].append(own)
    config = batch.folder / "config.yaml"
    config.write_text(json.dumps(document), encoding="utf-8")
    found = RUN_ID.search(workplace.run("train", config, limit=900).stdout)
    assert found is not None
    run = client.get_run(found[1])
    tags = run.data.tags
    assert tags["annotations.version-2.annotators"] == "Ada, Ben"
    assert tags["annotations.version-2.adjudicators"] == "Eva"
    assert tags["annotations.version-2.joined"] == "2 adjudicated, 18 agreed"
    assert tags["annotations.version-2.sha256"] == sha256_of_file(final)
    assert tags["annotations.version-2.codebook"] == codebook.version
    kept = json.loads(Path(client.download_artifacts(found[1], "annotations/version-2.json")).read_text("utf-8"))
    assert {one["file"]: one["sha256"] for one in kept["inputs"]} == {
        path.name: sha256_of_file(path) for path in (first, second, decided)
    }
    with_annotations = load_corpus(Config.model_validate(document), codebook)
    assert tags["corpus.digest"] == with_annotations.digest != load_corpus(tiny_config, codebook).digest
    assert rows.keys() == {e.article.id for e in with_annotations.examples if e.source == "version-2"}


def test_nothing_is_loaded_from_elsewhere_and_nothing_in_a_text_runs(page: Any, batch: Batch) -> None:
    from selenium.webdriver.common.keys import Keys

    page.get_log("performance")
    page.refresh()
    begin(page, "Ada")
    hostile = next(identity for identity, row in batch.gold.items() if HOSTILE in row["text"])
    for _ in range(TEXTS):
        if shown_id(page) == hostile:
            break
        press(page, Keys.ENTER)
    assert text_of(page, "#headline") == HOSTILE
    assert text_of(page, "#text") == batch.gold[hostile]["text"]
    assert page.execute_script("return window.ran ?? null") is None
    assert find(page, "#sheet").find_elements("css selector", "img, script") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = {one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"}
    assert {address.partition(":")[0] for address in asked} == {"file"}
    assert page.get_log("browser") == []


def test_the_annotator_is_blind_unless_the_model_is_shown(page: Any, batch: Batch, workplace: Workplace) -> None:
    blind = (batch.folder / "queue" / "queue.html").read_text(encoding="utf-8")
    assert "flag probability 0" not in blind
    assert '"kind":' not in blind
    assert '"model":' not in blind
    words = (
        "review",
        "build",
        batch.folder / "scores.csv",
        "--articles",
        batch.articles,
        "--size",
        "5",
        "--show-model",
    )
    workplace.run(*words, "--output", batch.folder / "shown")
    page.get((batch.folder / "shown" / "queue.html").as_uri())
    begin(page, "Ada")
    assert "flag probability" in find(page, "#model").text
    assert re.search(r"Chosen as: most (uncertain|novel)", find(page, "#why").text)


def test_the_notice_is_in_sight_and_the_codebook_beside_the_text(page: Any, codebook: Codebook) -> None:
    assert "not whether it is true" in find(page, ".notice").text
    begin(page, "Ada")
    definitions = [entry.definition for entry in (*codebook.roles, *codebook.actors, *codebook.narratives)]
    beside = text_of(page, "#labels")
    assert all(definition in beside for definition in (*definitions, codebook.africa.definition))
    assert find(page, "#labels").location["x"] > find(page, "#sheet").location["x"] + 300
    assert text_of(page, "#question") == codebook.question["en"]
    find(page, "[data-language=fr]").click()
    shown = (*codebook.roles, *codebook.actors, *codebook.narratives, codebook.africa)
    assert {one.definitions["fr"] for one in shown} == set(texts(page, "#labels .definition:not(#low-true-means)"))
    assert text_of(page, "#question") == codebook.question["fr"]
    find(page, "#definitions").click()
    assert not find(page, ".choice .definition").is_displayed()


def test_words_that_are_selected_are_marked_and_can_be_taken_back(page: Any, batch: Batch) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(page, "Ada")
    hostile = next(identity for identity, row in batch.gold.items() if HOSTILE in row["text"])
    while shown_id(page) != hostile:
        press(page, Keys.ENTER)
    press(page, "1")
    press(page, Keys.ARROW_DOWN)
    page.execute_script(
        "const [node] = [...document.querySelectorAll('#text .sentence')].at(-1).childNodes;"
        "getSelection().setBaseAndExtent(node, 2, node, 12)"
    )
    press(page, "2", "y", "m")
    words = text_of(page, "#text mark")
    row = page.execute_script("return rowOf(state.at)")
    text = batch.gold[hostile]["text"]
    assert [text[span["start"] : span["end"]] for span in row["evidence"]] == [words]
    assert text_of(page, "#evidence li span") == words
    press(page, "u")
    assert page.execute_script("return answer().evidence") == []
    press(page, Keys.ARROW_DOWN, "m")
    assert len(page.execute_script("return answer().evidence")) == 1
    find(page, "#evidence button").click()
    assert page.execute_script("return answer().evidence") == []
    # Words beside the text are none of its evidence, and neither is the sentence that was gone to before.
    page.execute_script("getSelection().selectAllChildren(document.querySelector('.notice'))")
    press(page, "m")
    assert text_of(page, "#said") == "Select words or go to a sentence first."
    assert page.execute_script("return answer().evidence") == []


def test_undo_goes_back_over_texts(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(page, "Ada")
    press(page, "1", "y", Keys.ENTER, "2")
    press(page, "u")
    assert text_of(page, "#position") == "Text 2 of 20"
    assert page.execute_script("return answer().role") is None
    press(page, "u")
    assert text_of(page, "#position") == "Text 1 of 20"
    assert text_of(page, "#state") == "needs a role and Africa"
    press(page, "u", "u")
    assert text_of(page, "#said") == "Nothing to undo."
    assert not find(page, "#kept").is_displayed()


def test_what_was_undone_does_not_come_back_from_an_earlier_export(page: Any) -> None:
    begin(page, "Ada")
    press(page, "1", "y", "2")
    exported = page.execute_script("return rowOf(0)")
    press(page, "u")
    row = page.execute_script("return rowOf(0)")
    assert row["role"] == page.execute_script("return book.roles[0].code") != exported["role"]
    assert row["labelled_at"] > exported["labelled_at"]


def test_a_text_without_a_role_has_no_codes(page: Any, codebook: Codebook) -> None:
    begin(page, "Ada")
    code = codebook.narrative_codes[0]
    press(page, "1", "y", key_of(page, "narratives", code))
    press(page, key_of(page, "role", NO_ROLE))
    row = page.execute_script("return rowOf(state.at)")
    assert (row["role"], row["narratives"], row["evidence"]) == (NO_ROLE, [], [])
    assert not find(page, f"[id='narratives-{code}']").is_enabled()
    press(page, "1")
    assert page.execute_script("return rowOf(state.at).narratives") == [code]


def test_work_is_kept_in_the_browser_and_leaving_with_it_asks(page: Any, batch: Batch) -> None:
    asks = "return !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    begin(page, "Carl")
    assert page.execute_script(asks) is False
    assert not find(page, "#kept").is_displayed()
    press(page, "1", "y")
    assert text_of(page, "#kept") == "not exported"
    assert page.execute_script(asks) is True
    page.get((batch.folder / "queue" / "queue.html").as_uri())
    assert text_of(page, "#annotator") == "Annotator: Carl"
    assert text_of(page, "#progress-words") == "1 of 20 labelled"
    assert text_of(page, "#position") == "Text 2 of 20"
    press(page, "3")
    file = export(page, batch.folder, "Carl")
    assert len(rows_of(file)) == 1
    assert "1 text lacks a role or Africa and is not in it." in text_of(page, "#said")
    assert text_of(page, "#kept") == "not exported"
    assert page.execute_script(asks) is True
    press(page, "y", "x")
    assert text_of(page, "#kept") == "exported"
    assert page.execute_script(asks) is False


def test_two_tabs_do_not_write_over_each_other(page: Any, batch: Batch) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(page, "Kofi")
    first = page.current_window_handle
    page.switch_to.new_window("tab")
    try:
        page.get((batch.folder / "queue" / "queue.html").as_uri())
        press(page, "1", "y", Keys.ENTER, "2", "n")
        page.switch_to.window(first)
        # What the other tab says is in sight here, and what is said here is the newer answer.
        assert text_of(page, "#progress-words") == "2 of 20 labelled"
        press(page, "3")
        [second] = set(page.window_handles) - {first}
        page.switch_to.window(second)
        assert page.execute_script("return [answer(0).role, answer(1).role]") == page.execute_script(
            "return [book.roles[2].code, book.roles[1].code]"
        )
        press(page, "x")
        page.switch_to.window(first)
        assert text_of(page, "#kept") == "exported"
        # Where no event comes, as in a tab that sleeps, nothing is lost either.
        page.execute_script(
            "const kept = JSON.parse(localStorage.getItem(keyOfPerson('Kofi')));"
            "kept.answers[5] = { ...kept.answers[0], when: '2999-01-01T00:00:00.000Z' };"
            "localStorage.setItem(keyOfPerson('Kofi'), JSON.stringify(kept))"
        )
        press(page, "4")
        page.refresh()
        assert text_of(page, "#progress-words") == "3 of 20 labelled"
        assert page.execute_script("return answer(0).role") == page.execute_script("return book.roles[3].code")
    finally:
        for handle in set(page.window_handles) - {first}:
            page.switch_to.window(handle)
            page.execute_script("withUnexported.clear()")
            page.close()
        page.switch_to.window(first)


def test_where_the_browser_keeps_nothing_the_page_says_so(page: Any) -> None:
    begin(page, "Lena")
    assert not find(page, "#unkept").is_displayed()
    page.execute_script(
        "for (let size = 2 ** 23; size >= 1; size /= 2) {"
        "  try { localStorage.setItem(`full-${size}`, 'x'.repeat(size)); } catch { continue; }"
        "}"
    )
    press(page, "1", "y")
    assert find(page, "#unkept").text == "not kept in this browser: export often"
    assert text_of(page, "#progress-words") == "1 of 20 labelled"
    page.execute_script("localStorage.clear()")
    press(page, "2")
    assert not find(page, "#unkept").is_displayed()


def test_an_exported_file_is_gone_on_from(page: Any, batch: Batch) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(page, "Dora")
    hostile = next(identity for identity, row in batch.gold.items() if HOSTILE in row["text"])
    while shown_id(page) != hostile:
        press(page, Keys.ENTER)
    press(page, "1", "y", "l", *[Keys.ARROW_DOWN] * 3, "m")
    file = export(page, batch.folder, "Dora")
    page.execute_script("localStorage.clear()")
    page.get((batch.folder / "queue" / "queue.html").as_uri())
    damaged = batch.folder / "damaged.jsonl"
    broken = json.dumps(rows_of(file)[hostile] | {"evidence": [None]})
    damaged.write_text(f"{broken}\nno json\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    open_file(page, damaged)
    assert text_of(page, "#name-hint") == (
        "1 labelled texts were read from the file. Begin to go on from them. "
        "2 lines were passed over: they are broken, or of another queue or codebook."
    )
    assert find(page, "#name").get_attribute("value") == "Dora"
    begin(page, "")
    number = page.execute_script("return items.findIndex((one) => one.id === arguments[0])", hostile)
    assert page.execute_script("return rowOf(arguments[0])", number) == rows_of(file)[hostile]
    assert text_of(page, "#kept") == "exported"


def test_a_name_can_be_put_right(page: Any) -> None:
    begin(page, "Aad")
    press(page, "1", "y")
    change_name(page, "Ada")
    asked = page.switch_to.alert
    assert asked.text.startswith("Do the labels of Aad belong to Ada?")
    asked.accept()
    assert text_of(page, "#annotator") == "Annotator: Ada"
    assert page.execute_script("return rowOf(0).annotator") == "Ada"
    assert text_of(page, "#progress-words") == "1 of 20 labelled"
    change_name(page, "Aad")
    page.switch_to.alert.dismiss()
    assert text_of(page, "#progress-words") == "0 of 20 labelled"


def test_a_second_person_on_the_same_computer_has_her_own_labels(page: Any, batch: Batch) -> None:
    begin(page, "Finn")
    press(page, "1", "y")
    first = text_of(page, "#chosen")
    change_name(page, "Gina")
    page.switch_to.alert.dismiss()
    assert text_of(page, "#progress-words") == "0 of 20 labelled"
    press(page, "u")
    assert text_of(page, "#said") == "Nothing to undo."
    press(page, "2", "n")
    [row] = rows_of(export(page, batch.folder, "Gina")).values()
    assert (row["annotator"], row["africa"]) == ("Gina", False)
    # Finn's labels are not exported, so leaving asks all the same.
    assert page.execute_script("return !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))") is True
    change_name(page, "finn")
    assert text_of(page, "#progress-words") == "1 of 20 labelled"
    assert page.execute_script("return chosen(answer(0))") == first
    page.execute_script("withUnexported.clear()")
    page.refresh()
    assert text_of(page, "#annotator") == "Annotator: finn"
    assert text_of(page, "#progress-words") == "1 of 20 labelled"


def test_an_older_file_does_not_write_over_newer_labels(page: Any, batch: Batch) -> None:
    begin(page, "Hana")
    press(page, "1", "y")
    old = export(page, batch.folder, "Hana")
    role = page.execute_script("return answer(0).role")
    press(page, "2")
    newer = page.execute_script("return answer(0).role")
    find(page, "#annotator").click()
    open_file(page, old)
    begin(page, "")
    assert page.execute_script("return answer(0).role") == newer
    assert text_of(page, "#said").startswith("0 labelled texts were taken from the file")
    [row] = rows_of(old).values()
    late = batch.folder / "late.jsonl"
    late.write_text(json.dumps(row | {"labelled_at": "2999-01-01T00:00:00.000Z"}) + "\n", encoding="utf-8")
    find(page, "#annotator").click()
    open_file(page, late)
    begin(page, "")
    assert page.execute_script("return answer(0).role") == role
    press(page, "u")
    assert page.execute_script("return answer(0).role") == newer


def test_another_annotators_file_is_not_opened(page: Any, batch: Batch) -> None:
    begin(page, "Iris")
    press(page, "1", "y")
    file = export(page, batch.folder, "Iris")
    page.execute_script("localStorage.clear()")
    page.refresh()
    find(page, "#name").send_keys("Jo")
    open_file(page, file)
    assert text_of(page, "#name-hint").startswith("The file holds the labels of another name")
    begin(page, "")
    assert text_of(page, "#annotator") == "Annotator: Jo"
    assert text_of(page, "#progress-words") == "0 of 20 labelled"


def test_keys_can_be_switched_off_and_stay_out_of_text_fields(page: Any) -> None:
    find(page, "#name").send_keys("1ym")
    assert page.execute_script("return Object.keys(state.answers).length") == 0
    begin(page, "x")
    find(page, "#shortcuts").click()
    press(page, "1", "y")
    assert page.execute_script("return Object.keys(state.answers).length") == 0
    find(page, "[id='role-rebuts']").click()
    assert page.execute_script("return answer().role") == "rebuts"


def test_a_french_keyboard_needs_no_shift_for_digits(page: Any) -> None:
    begin(page, "Ada")
    page.execute_script(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '&', code: 'Digit1', bubbles: true }))"
    )
    assert page.execute_script("return answer().role") == page.execute_script("return book.roles[0].code")


def test_a_numpad_without_num_lock_and_a_key_that_is_held_choose_nothing(page: Any) -> None:
    def keydown(**init: Any) -> None:
        page.execute_script(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', { ...arguments[0], bubbles: true }))", init
        )

    begin(page, "Ada")
    keydown(key="End", code="Numpad1")
    assert page.execute_script("return answer().role") is None
    keydown(key="1", code="Numpad1")
    assert page.execute_script("return answer().role") == page.execute_script("return book.roles[0].code")
    keydown(key="l", code="KeyL")
    keydown(key="l", code="KeyL", repeat=True)
    assert page.execute_script("return answer().low") is True


def test_a_choice_is_called_by_its_name_alone(page: Any, codebook: Codebook) -> None:
    begin(page, "Ada")
    entry = codebook.roles[0]
    choice = find(page, f"[id='role-{entry.code}']")
    assert choice.accessible_name == entry.name["en"]
    find(page, f"[id='role-{entry.code}-means']").click()
    assert choice.is_selected()


def test_it_speaks_french(page: Any) -> None:
    begin(page, "Ada")
    press(page, "1", "y")
    find(page, "[data-language=fr]").click()
    assert page.execute_script("return document.documentElement.lang") == "fr"
    assert text_of(page, "#position") == "Texte 1 sur 20"
    assert "examen humain" in find(page, ".notice").text
    assert "Afrique oui" in text_of(page, "#chosen")
    assert page.execute_script("return answer().role") is not None
    assert "L'Occident exploite l'Afrique" in text_of(page, "#labels")
    find(page, "[data-language=en]").click()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (320, "dark")])
def test_it_fits_and_axe_finds_no_violation(
    page: Any,
    emulate: Callable[[Any, int, str], None],
    assert_accessible: Callable[[Any], None],
    width: int,
    scheme: str,
) -> None:
    emulate(page, width, scheme)
    try:
        assert_accessible(page)
        begin(page, "Ada")
        press(page, "1", "y", "\ue015", "m")
        assert_accessible(page)
        press(page, key_of(page, "role", NO_ROLE))
        assert_accessible(page)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
