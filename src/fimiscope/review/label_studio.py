"""Tasks and labelling interface for Label Studio, and its JSON exports.

The formats are those of https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fimiscope.codebook import NO_ROLE, Codebook, Entry
from fimiscope.errors import ReadingError
from fimiscope.records import Verdict
from fimiscope.review.queue import Queue, QueueItem

_EVIDENCE = "evidence"
_YES, _NO = "yes", "no"
_LIKELY = 0.5
# Of a task, what an annotation needs to find its text again.
_IDENTITY = ("id", "corpus", "sha256", "language", "codebook")


def tasks(queue: Queue, *, show_model: bool) -> list[dict[str, Any]]:
    """The queue as tasks to import; with `show_model` the model's answer comes as a pre-annotation.

    Why a text was chosen stands in `meta`, which annotators do not see.
    """
    return [_task(item, queue.codebook, show_model=show_model) for item in queue.items]


def interface(codebook: Codebook) -> str:
    """The labelling interface as XML, made from the codebook."""
    view = ElementTree.Element("View")
    _add(view, "Header", value=next(iter(codebook.question.values()), "Codebook"), size="5")
    _add(view, "Header", value="$title", size="4")
    _add(view, "Text", name="text", value="$text", granularity="word")
    _add(_add(view, "Labels", name=_EVIDENCE, toName="text"), "Label", value=_EVIDENCE)
    _choices(view, "role", codebook.roles)
    _add(view, "Header", value="africa", size="5")
    yes = _add(view, "Choices", name="africa", toName="text", choice="single", required="true")
    _add(yes, "Choice", value=_YES, hint=codebook.africa.definition)
    _add(yes, "Choice", value=_NO)
    _choices(view, "actors", codebook.actors, several=True)
    _choices(view, "narratives", codebook.narratives, several=True)
    _add(view, "Header", value="confidence", size="5")
    sure = _add(view, "Choices", name="confidence", toName="text", choice="single")
    for value in ("high", "low"):
        _add(sure, "Choice", value=value)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def exported_rows(document: Any, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The annotations of an export as (place, row of our format); skipped tasks are passed over.

    As on our page, a text of role `none` has no codes and no evidence, whatever was chosen before the role. An
    annotator whom the export knows by number alone is called by the number.

    Raises:
        ReadingError: it is no JSON export of these tasks.
    """
    if not isinstance(document, list) or not all(isinstance(task, dict) for task in document):
        raise ReadingError(f"{path} is no list of tasks: export from Label Studio as JSON")
    for number, task in enumerate(document, start=1):
        data, annotations = task.get("data"), task.get("annotations")
        if not isinstance(data, dict) or not isinstance(annotations, list):
            raise ReadingError(f"{path} holds tasks without data and annotations: export as JSON, not as JSON-MIN")
        for annotation in annotations:
            if not _is_annotation(annotation):
                raise ReadingError(
                    f"{path}: task {number} holds an annotation that Label Studio does not write: export as JSON again"
                )
            if not annotation.get("was_cancelled"):
                yield f"{path}: task {number}, text '{data.get('id', '')}'", _row(data, annotation)


def _task(item: QueueItem, codebook: Codebook, *, show_model: bool) -> dict[str, Any]:
    article = item.article
    task: dict[str, Any] = {
        "data": {
            **item.identity,
            "codebook": codebook.version,
            "title": article.title or "",
            "text": article.text,
        },
        "meta": {"kind": item.kind, "why": item.why},
    }
    if show_model and item.verdict is not None and item.verdict.role_label is not None:
        task["predictions"] = [_prediction(item.verdict)]
    return task


def _prediction(verdict: Verdict) -> dict[str, Any]:
    chosen: dict[str, Sequence[str]] = {"role": [verdict.role_label or ""]}
    if verdict.role_label != NO_ROLE:
        chosen["actors"] = [code for code, score in (verdict.actors or {}).items() if score >= _LIKELY]
        chosen["narratives"] = verdict.narratives_flagged or ()
    if verdict.africa is not None:
        chosen["africa"] = [_YES if verdict.africa >= _LIKELY else _NO]
    results = [
        {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(codes)}}
        for name, codes in chosen.items()
        if codes
    ]
    spans = [one for one in verdict.evidence or () if one.field == "text" and one.head == "role"]
    results += [
        {
            "from_name": _EVIDENCE,
            "to_name": "text",
            "type": "labels",
            "value": {"start": one.start, "end": one.end, "text": one.text, "labels": [_EVIDENCE]},
        }
        for one in spans
    ]
    name = f"{verdict.model.get('name', 'model')} {verdict.model.get('version', '')}".strip()
    return {"model_version": name, "score": verdict.flag_probability, "result": results}


def _is_annotation(value: Any) -> bool:
    results = (value.get("result") or []) if isinstance(value, dict) else None
    return isinstance(results, list) and all(isinstance(result, dict) and _is_answer(result) for result in results)


def _is_answer(result: Mapping[str, Any]) -> bool:
    value = result.get("value") or {}
    choices = (value.get("choices") or []) if isinstance(value, dict) else None
    return isinstance(choices, list) and all(isinstance(choice, str) for choice in choices)


def _row(data: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, list[str]] = {}
    evidence = []
    text = str(data.get("text", ""))
    for result in annotation.get("result") or ():
        value = result.get("value") or {}
        if result.get("type") == "choices":
            chosen[str(result.get("from_name"))] = list(value.get("choices") or ())
        elif result.get("type") == "labels":
            evidence.append(_span(value, text))
    by = annotation.get("completed_by")
    role = next(iter(chosen.get("role", ())), None)
    if role == NO_ROLE:
        chosen["actors"], chosen["narratives"], evidence = [], [], []
    return {
        **{field: data[field] for field in _IDENTITY if field in data},
        "id": data.get("id", ""),
        "text": text,
        "role": role,
        "africa": next(iter(chosen.get("africa", ())), None),
        "actors": chosen.get("actors", []),
        "narratives": chosen.get("narratives", []),
        "confidence": next(iter(chosen.get("confidence", ())), None),
        "evidence": evidence,
        "annotator": by.get("email") or by.get("id") if isinstance(by, dict) else by,
        "labelled_at": annotation.get("updated_at") or annotation.get("created_at"),
    }


def _span(value: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The span in characters. Some versions of Label Studio count UTF-16 units: the words of the span decide."""
    start, end, words = value.get("start"), value.get("end"), value.get("text")
    if isinstance(start, int) and isinstance(end, int) and isinstance(words, str) and text[start:end] != words:
        units = text.encode("utf-16-le")
        before, inside = units[: 2 * start], units[2 * start : 2 * end]
        if inside.decode("utf-16-le", "replace") == words:
            first = len(before.decode("utf-16-le"))
            return {"start": first, "end": first + len(words)}
        # Where line ends were changed, only the words themselves are left to go by.
        if text.count(words) != 1:
            return {"start": None, "end": None}
        start = text.index(words)
        return {"start": start, "end": start + len(words)}
    return {"start": start, "end": end}


def _choices(view: ElementTree.Element, name: str, entries: Sequence[Entry], *, several: bool = False) -> None:
    _add(view, "Header", value=name, size="5")
    attributes = {"choice": "multiple"} if several else {"choice": "single", "required": "true"}
    group = _add(view, "Choices", name=name, toName="text", **attributes)
    for entry in entries:
        own = entry.name.get("en", entry.code)
        _add(
            group,
            "Choice",
            value=entry.code,
            hint=entry.definition if own == entry.code else f"{own}: {entry.definition}",
        )


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)
