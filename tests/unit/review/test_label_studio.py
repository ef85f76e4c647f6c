"""Tasks for Label Studio, its labelling interface, and what it exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.errors import CorpusError, ReadingError
from fimiscope.records import Article, Evidence, Span, Verdict
from fimiscope.review.label_studio import interface, tasks
from fimiscope.review.merging import merge
from fimiscope.review.queue import Queue, QueueItem
from fimiscope.review.readings import read_readings

TEXT = "\U0001f600 Invented: the far bank wants the mines of Kolo. \U0001f600 It rained."
CLAIM = "the far bank wants the mines of Kolo"
START = TEXT.index(CLAIM)


@pytest.fixture
def queue(codebook: Codebook) -> Queue:
    said = Verdict(
        "1",
        "scored",
        flag=True,
        flag_probability=0.6,
        role_label="carries",
        actors=dict.fromkeys(codebook.actor_codes, 0.9),
        narratives_flagged=codebook.narrative_codes[:1],
        africa=0.8,
        evidence=(Evidence(START, START + len(CLAIM), CLAIM, "role", 0.9),),
        model={"name": "invented", "version": "3"},
    )
    article = Article("1", TEXT, place="in/box.jsonl:4")
    return Queue((QueueItem(article, "en", "uncertain", "flag probability 0.60, threshold 0.58", said),), codebook)


def test_a_task_names_its_text_and_hides_what_the_model_said(queue: Queue, codebook: Codebook) -> None:
    [task] = tasks(queue, show_model=False)
    assert task["data"] == {
        "id": "1",
        "corpus": "box",
        "sha256": sha256_of_text(TEXT),
        "language": "en",
        "codebook": codebook.version,
        "title": "",
        "text": TEXT,
    }
    assert task["meta"] == {"kind": "uncertain", "why": "flag probability 0.60, threshold 0.58"}
    assert "predictions" not in task


def test_with_the_model_shown_its_answer_is_a_pre_annotation(queue: Queue, codebook: Codebook) -> None:
    [prediction] = tasks(queue, show_model=True)[0]["predictions"]
    chosen = {one["from_name"]: one["value"].get("choices") for one in prediction["result"]}
    assert chosen["role"] == ["carries"]
    assert chosen["africa"] == ["yes"]
    assert chosen["narratives"] == [codebook.narrative_codes[0]]
    assert prediction["result"][-1]["value"]["text"] == CLAIM
    assert prediction["model_version"] == "invented 3"


def test_the_interface_offers_every_code_with_its_definition(queue: Queue, codebook: Codebook) -> None:
    view = ElementTree.fromstring(interface(codebook))
    groups = {one.get("name"): [choice.get("value") for choice in one] for one in view.iter("Choices")}
    assert groups["role"] == list(codebook.role_codes)
    assert groups["actors"] == list(codebook.actor_codes)
    assert groups["narratives"] == list(codebook.narrative_codes)
    assert set(groups) == {"role", "africa", "actors", "narratives", "confidence"}
    hints = " ".join(choice.get("hint") or "" for choice in view.iter("Choice"))
    assert all(entry.definition in hints for entry in (*codebook.roles, *codebook.narratives))
    assert [one.get("value") for one in view.iter("Text")] == ["$text"]


def export(task: dict[str, Any], *results: dict[str, Any], **others: Any) -> dict[str, Any]:
    annotation = {"result": list(results), "was_cancelled": False, "updated_at": "2026-01-02T03:04:05Z"} | others
    return {"id": 7, "data": task["data"], "annotations": [annotation]}


def chose(name: str, *codes: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(codes)}}


def marked(start: int, words: str, end: int) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": words, "labels": ["evidence"]}
    return {"from_name": "evidence", "to_name": "text", "type": "labels", "value": value}


# Versions of Label Studio differ in how they count an emoji; 7 stands for line ends that were changed.
@pytest.mark.parametrize("extra", [0, 1, 7])
def test_an_export_is_read_and_its_offsets_count_characters(
    queue: Queue, codebook: Codebook, tmp_path: Path, extra: int
) -> None:
    [task] = tasks(queue, show_model=False)
    code = codebook.narrative_codes[0]
    given = [chose("role", "carries"), chose("africa", "yes"), chose("narratives", code), chose("confidence", "low")]
    span = marked(START + extra, CLAIM, START + len(CLAIM) + extra)
    file = tmp_path / "export.json"
    skipped = export(task, was_cancelled=True)
    by = {"id": 4, "email": "invented@example.org"}
    file.write_text(json.dumps([export(task, *given, span, completed_by=by), skipped]), encoding="utf-8")
    [reading] = read_readings(file, codebook)
    assert reading.annotator == "invented@example.org"
    assert reading.key == ("box", "1")
    assert reading.labels.role == "carries"
    assert reading.labels.africa is True
    assert reading.labels.narratives == (code,)
    assert reading.labels.actors == ()
    assert reading.labels.confidence == "low"
    assert reading.labels.evidence == (Span(START, START + len(CLAIM)),)
    assert reading.labelled_at.startswith("2026-01-02")


def test_what_is_no_complete_annotation_is_named(queue: Queue, codebook: Codebook, tmp_path: Path) -> None:
    [task] = tasks(queue, show_model=False)
    file = tmp_path / "export.json"
    sound = export(task, chose("role", "carries"), chose("africa", "no"))
    nowhere = export(task, chose("role", "carries"), chose("africa", "no"), marked(3, "words of another text", 9))
    file.write_text(json.dumps([sound, export(task, chose("role", "carries")), nowhere]), encoding="utf-8")
    with pytest.raises(CorpusError) as refused:
        read_readings(file, codebook)
    said = str(refused.value)
    assert "export.json: task 2, text '1': expected a role, and whether Africa is a subject" in said
    assert "export.json: task 3, text '1': evidence is no list" in said
    assert "words of another text" not in said


def test_a_text_without_a_role_has_no_codes_and_no_evidence(queue: Queue, codebook: Codebook, tmp_path: Path) -> None:
    [task] = tasks(queue, show_model=False)
    before = (chose("actors", codebook.actor_codes[0]), marked(START, CLAIM, START + len(CLAIM)))
    file = tmp_path / "export.json"
    file.write_text(json.dumps([export(task, *before, chose("role", NO_ROLE), chose("africa", "no"))]), "utf-8")
    [reading] = read_readings(file, codebook)
    assert (reading.labels.role, reading.labels.actors, reading.labels.evidence) == (NO_ROLE, (), ())


def test_numbers_of_two_exports_are_not_taken_for_one_person(queue: Queue, codebook: Codebook, tmp_path: Path) -> None:
    [task] = tasks(queue, show_model=False)
    files = [tmp_path / "ada.json", tmp_path / "ben.json"]
    for file, role in zip(files, ("carries", NO_ROLE), strict=True):
        one = export(task, chose("role", role), chose("africa", "no"), completed_by=1)
        file.write_text(json.dumps([one]), encoding="utf-8")
    assert merge(files[:1], codebook).annotators == {"1": 1}
    with pytest.raises(CorpusError, match=r"'1' in .*ada\.json and in .*ben\.json may be two people"):
        merge(files, codebook)
    file.write_text(json.dumps([one | {"annotations": [one["annotations"][0] | {"completed_by": {"email": "ben"}}]}]))
    assert merge(files, codebook).annotators == {"1": 1, "ben": 1}


@pytest.mark.parametrize("annotation", [5, {"result": 5}, {"result": [5]}, {"result": [{"value": {"choices": 5}}]}])
def test_an_annotation_of_another_form_is_named(codebook: Codebook, tmp_path: Path, annotation: Any) -> None:
    file = tmp_path / "export.json"
    document: list[dict[str, Any]] = [{"data": {}, "annotations": []}, {"data": {}, "annotations": [annotation]}]
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(
        ReadingError, match=r"export\.json: task 2 holds an annotation that Label Studio does not write"
    ):
        read_readings(file, codebook)


@pytest.mark.parametrize(("start", "end"), [(5, 5), (900, 990), (-3, 4)])
def test_evidence_that_is_no_part_of_the_text_is_refused(
    queue: Queue, codebook: Codebook, tmp_path: Path, start: int, end: int
) -> None:
    [task] = tasks(queue, show_model=False)
    span = marked(start, "", end)
    del span["value"]["text"]
    file = tmp_path / "export.json"
    file.write_text(json.dumps([export(task, chose("role", "carries"), chose("africa", "no"), span)]), "utf-8")
    with pytest.raises(CorpusError, match=f"task 1, text '1': evidence from {start} to {end} is no part of its text"):
        read_readings(file, codebook)


@pytest.mark.parametrize("content", ['{"id": 1}', '[{"id": 1, "text": "x", "role": "carries"}]', "no json"])
def test_other_exports_are_refused(codebook: Codebook, tmp_path: Path, content: str) -> None:
    file = tmp_path / "export.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ReadingError, match="as JSON"):
        read_readings(file, codebook)
