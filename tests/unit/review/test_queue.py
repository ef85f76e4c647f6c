"""What is chosen to be labelled: each kind, each language, no copies, and the same for the same inputs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.corpus.labels import parse_labels
from fimiscope.errors import CorpusError
from fimiscope.predict.writing import open_writer
from fimiscope.reading import read_articles
from fimiscope.records import Article, Verdict
from fimiscope.review import candidates
from fimiscope.review.candidates import LabelledText, read_candidates, read_labels, threshold_of
from fimiscope.review.novelty import farthest_first, vectors
from fimiscope.review.queue import Queue, build_queue, shares
from fimiscope.shipped import shipped

Rows = list[dict[str, Any]]
Place = Callable[..., Queue]
FLAGS_FROM = 0.3


@pytest.fixture(scope="module")
def invented() -> Rows:
    """Invented texts of the embedded corpus, one of each family: 80 English, 40 French, 3 Swahili."""
    rows = [json.loads(line) for line in shipped("sample/corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    first = {row["family"]: row for row in reversed(rows)}.values()
    wanted = {"en": 80, "fr": 40, "sw": 3}
    return [
        row for language, count in wanted.items() for row in [r for r in first if r["language"] == language][:count]
    ]


def verdict(row: dict[str, Any], number: int, **changes: Any) -> Verdict:
    """A model that flags from 0.3 on, and whose probabilities are spread evenly."""
    probability = (number * 37 % 100) / 100
    role = {code: 0.7 if code == row["role"] else 0.1 for code in ("rebuts", "reports", "carries", NO_ROLE)}
    said = Verdict(
        row["id"],
        "scored",
        flag=probability >= FLAGS_FROM,
        flag_probability=probability,
        role=role,
        role_label=row["role"],
        narratives_flagged=(),
        africa=0.5,
        language=row["language"],
    )
    return replace(said, **changes)


@pytest.fixture
def place(tmp_path: Path, codebook: Codebook) -> Place:
    """Writes articles and verdicts to files, and builds the queue from them."""

    def build(rows: Rows, verdicts: list[Verdict], size: int, labelled: dict[str, LabelledText] | None = None) -> Queue:
        inputs, scores = tmp_path / "articles.jsonl", tmp_path / "scores.jsonl"
        inputs.write_text("".join(json.dumps({k: row[k] for k in ("id", "text")}) + "\n" for row in rows), "utf-8")
        with open_writer(scores, codebook) as writer:
            for one in verdicts:
                writer.write(one)
        found = read_candidates(scores, read_articles([inputs]), list((labelled or {}).values()), codebook)
        return build_queue(found, codebook, size=size)

    return build


def scored(rows: Rows) -> list[Verdict]:
    return [verdict(row, number) for number, row in enumerate(rows)]


def test_each_language_gets_places_and_the_rarest_more_than_its_share(invented: Rows, place: Place) -> None:
    queue = place(invented, scored(invented), 30)
    languages = Counter(item.language for item in queue.items)
    assert languages.total() == 30
    assert set(languages) == {"en", "fr", "sw"}
    assert languages["sw"] == 3
    assert languages["en"] > languages["fr"] > languages["sw"]
    assert len({item.article.id for item in queue.items}) == 30


def test_shares_never_pass_what_there_is() -> None:
    assert shares({"en": 900, "sw": 1}, 10) == {"sw": 1, "en": 9}
    assert shares({"en": 100, "fr": 100}, 10) == {"en": 5, "fr": 5}
    assert shares({"en": 4, "fr": 2}, 100) == {"fr": 2, "en": 4}
    assert shares({"a": 5, "b": 5, "c": 5}, 2) == {"a": 1, "b": 1, "c": 0}
    assert shares({"en": 0}, 5) == {}


def test_uncertain_texts_lie_nearest_to_the_threshold_and_abstained_ones_come_first(
    invented: Rows, place: Place
) -> None:
    english = invented[:80]
    verdicts = scored(english)
    verdicts[11] = replace(verdicts[11], status="abstained", flag=None, flag_probability=0.9)
    queue = place(english, verdicts, 12)
    uncertain = [item for item in queue.items if item.kind == "uncertain"]
    assert len(uncertain) == 8
    assert english[11]["id"] in {item.article.id for item in uncertain}
    near = [item.verdict.flag_probability for item in uncertain if item.verdict and item.verdict.status == "scored"]
    assert all(0.2 < (p or 0) < 0.45 for p in near)
    assert any("the model abstained" in item.why for item in uncertain)
    assert any("threshold 0.29" in item.why or "threshold 0.3" in item.why for item in uncertain)


def test_novel_texts_are_unlike_the_labelled_ones(invented: Rows, place: Place, codebook: Codebook) -> None:
    english = invented[:60]
    strange = {**english[0], "id": "strange", "text": "Zyx wvu tsr qpo nml kji hgf edc baz yab bac ced def fgh." * 2}
    rows = [*english, strange]
    verdicts = [*scored(english), verdict(strange, 99)]
    queue = place(rows, verdicts, 9)
    novel = [item for item in queue.items if item.kind == "novel"]
    assert len(novel) == 3
    assert "strange" in {item.article.id for item in novel}
    assert all("similarity" in item.why for item in novel)
    known = {"strange": LabelledText("strange", parse_labels(strange))}
    assert "strange" not in {item.article.id for item in place(rows, verdicts, 9, known).items}


def test_farthest_first_takes_what_is_least_like_all_before_it() -> None:
    table = vectors(["cotton prices rose", "cotton prices fell", "the river froze early", "a river froze late"])
    chosen = farthest_first(table, [0], [1, 2, 3], 3)
    assert [number for number, _ in chosen] == [2, 3, 1]
    assert chosen[0][1] == 0
    assert 0 < chosen[1][1] < chosen[2][1] < 1


def test_copies_are_asked_for_once_and_copies_of_labelled_texts_never(invented: Rows, place: Place) -> None:
    english = invented[:30]
    copy = {**english[3], "id": "copy", "text": english[3]["text"].replace(",", "") + " Share!"}
    labelled_copy = {**english[4], "id": "copy of labelled", "text": english[4]["text"].upper()}
    rows = [*english, copy, labelled_copy]
    known = {english[4]["id"]: LabelledText(english[4]["id"], parse_labels(english[4]))}
    chosen = {item.article.id for item in place(rows, scored(rows), 100, known).items}
    assert len(chosen & {"copy", english[3]["id"]}) == 1
    assert not chosen & {"copy of labelled", english[4]["id"]}
    assert len(chosen) == 29


def test_a_label_that_the_model_contradicts_is_asked_for_again(invented: Rows, place: Place) -> None:
    english = invented[:80]
    known = {row["id"]: LabelledText(row["id"], parse_labels(row)) for row in english[:60]}
    wrong = next(row for row in english[:60] if row["role"] == "carries")
    known[wrong["id"]] = LabelledText(wrong["id"], parse_labels({**wrong, "role": NO_ROLE}))
    queue = place(english, scored(english), 12, known)
    errors = [item for item in queue.items if item.kind == "label error"]
    assert [item.article.id for item in errors] == [wrong["id"]]
    assert errors[0].why == "role is labelled none, and the model says carries (0.70)"


def test_labels_of_another_text_do_not_count(invented: Rows, place: Place) -> None:
    english = invented[:20]
    labels = parse_labels(english[0])
    known = {english[0]["id"]: LabelledText(english[0]["id"], labels, sha256=sha256_of_text("another text"))}
    assert english[0]["id"] in {item.article.id for item in place(english, scored(english), 50, known).items}


def test_the_same_inputs_give_the_same_queue_in_the_same_order(invented: Rows, place: Place) -> None:
    first = place(invented, scored(invented), 25)
    second = place(invented, list(reversed(scored(invented))), 25)
    assert [(item.article.id, item.kind, item.why) for item in first.items] == [
        (item.article.id, item.kind, item.why) for item in second.items
    ]
    assert first.digest == second.digest
    assert place(invented, scored(invented), 24).digest != first.digest


def test_whoever_stops_early_has_seen_each_kind_and_language(invented: Rows, place: Place) -> None:
    items = place(invented, scored(invented), 40).items
    assert {item.kind for item in items[:14]} == {"uncertain", "novel"}
    assert {item.language for item in items[:14]} == {"en", "fr", "sw"}


def test_failed_texts_are_left_out_and_gated_ones_can_only_be_novel(invented: Rows, place: Place) -> None:
    english = invented[:20]
    verdicts = scored(english)
    verdicts[0] = Verdict(english[0]["id"], "failed", "empty")
    for number in (1, 2):
        verdicts[number] = Verdict(english[number]["id"], "scored", flag=False, gate=True)
    kinds = {item.article.id: item.kind for item in place(english, verdicts, 50).items}
    assert english[0]["id"] not in kinds
    assert kinds[english[1]["id"]] == kinds[english[2]["id"]] == "novel"


def test_of_very_many_texts_the_most_uncertain_and_a_sample_are_looked_at(
    invented: Rows, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST_TEXTS", 20)
    english = invented[:80]
    items = place(english, scored(english), 100).items
    assert len(items) == 20
    by_margin = sorted(scored(english), key=lambda one: candidates.margin(one.flag_probability, 0.295))
    assert {one.id for one in by_margin[:9]} <= {item.article.id for item in items}


def test_the_threshold_is_read_from_what_is_flagged_and_what_is_clear() -> None:
    assert threshold_of([(False, 0.2), (None, 0.3), (True, 0.4), (True, 0.9)]) == pytest.approx(0.3)
    assert threshold_of([(False, 0.1), (None, 0.6)]) == pytest.approx(0.6)
    assert threshold_of([(False, 0.1), (False, None)]) == 0.5


def test_articles_of_another_batch_are_refused(invented: Rows, codebook: Codebook, tmp_path: Path) -> None:
    scores = tmp_path / "scores.jsonl"
    with open_writer(scores, codebook) as writer:
        writer.write(verdict(invented[0], 1))
    with pytest.raises(CorpusError, match=r"none of its verdicts .* in --articles: give the inputs that were scored"):
        read_candidates(scores, [Article("other", "an invented text")], [], codebook)


def test_labels_are_read_from_annotations_and_from_labelled_files(codebook: Codebook, tmp_path: Path) -> None:
    shown = read_labels(shipped("annotations/africa-1.jsonl"), codebook)
    assert len(shown) == 2871
    assert all(one.sha256 and one.text is None for one in shown)
    labelled = read_labels(shipped("sample/corpus.jsonl"), codebook)
    assert all(one.text for one in labelled)
    file = tmp_path / "wrong.jsonl"
    file.write_text('{"id": "1", "role": "praises"}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"wrong\.jsonl:1: not in the codebook: role 'praises'"):
        read_labels(file, codebook)


def test_labels_of_one_id_in_two_corpora_each_go_to_their_own_text(codebook: Codebook, tmp_path: Path) -> None:
    scores, file = tmp_path / "scores.jsonl", tmp_path / "labels.jsonl"
    with open_writer(scores, codebook) as writer:
        writer.write(Verdict("1", "scored", flag=False, gate=True))
    texts = {"box": "[Invented] It rained.", "crate": "[Invented] It froze."}
    rows = [
        {"id": "1", "corpus": name, "sha256": sha256_of_text(text), "role": NO_ROLE} for name, text in texts.items()
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    articles = [Article("1", text) for text in (*texts.values(), "[Invented] It snowed.")]
    found = read_candidates(scores, articles, read_labels(file, codebook), codebook)
    assert [one.labels is not None for one in found.candidates] == [True, True, False]
    assert found.not_judged == 2
    file.write_text(json.dumps(rows[0]) + "\n" + json.dumps(rows[0]) + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"labels\.jsonl:2: '1' stands above already"):
        read_labels(file, codebook)


def test_where_all_is_labelled_nothing_is_left(invented: Rows, place: Place) -> None:
    rows = invented[:3]
    known = {row["id"]: LabelledText(row["id"], parse_labels(row)) for row in rows}
    with pytest.raises(CorpusError, match="no text is left to label"):
        place(rows, scored(rows), 5, known)
