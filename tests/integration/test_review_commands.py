"""`fimiscope review` refuses in one line what it cannot use, and leaves what is there alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.checksums import sha256_of_text

if TYPE_CHECKING:
    from conftest import Workplace

TEXT = "[Invented] The council of Kolo met on Tuesday."


def labelled(path: Path, **changes: Any) -> Path:
    """A file of one annotator with labels of one text."""
    labels = {"role": "none", "africa": True, "actors": [], "narratives": [], "evidence": [], "codebook": "1.0"}
    row = {"id": "1", "corpus": "box", "sha256": sha256_of_text(TEXT), **labels, **changes}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return path


def test_what_to_choose_from_is_given_once(workplace: Workplace, tmp_path: Path) -> None:
    articles = tmp_path / "articles.jsonl"
    articles.write_text(json.dumps({"id": "1", "text": TEXT}) + "\n", encoding="utf-8")
    said = workplace.refusal("review", "build", "--articles", articles, "--output", tmp_path / "queue")
    assert said == "fimiscope: give SCORES, the result of `fimiscope predict`, or --from; one of the two"
    scores = tmp_path / "scores.jsonl"
    scores.write_text('{"id": "1", "text": "no verdict"}\n', encoding="utf-8")
    said = workplace.refusal("review", "build", scores, "--articles", articles, "--output", tmp_path / "queue")
    assert "has no column role_label and flag_probability: a file of verdicts needs id" in said
    assert not (tmp_path / "queue").exists()
    # The file of scores is not even read.
    below = scores / "queue"
    said = workplace.refusal("review", "build", "none.jsonl", "--articles", articles, "--output", below)
    assert said == f"fimiscope: --output: {scores} is a file: give another folder"
    words = ("--from", scores, "--articles", articles, "--output", tmp_path / "queue", "--size", "5")
    said = workplace.refusal("review", "build", *words)
    assert said == "fimiscope: --from takes all that is disputed: leave out --annotations and --size"


def test_a_queue_is_not_written_over_and_unjudged_labels_are_counted(workplace: Workplace, tmp_path: Path) -> None:
    articles, scores = tmp_path / "articles.jsonl", tmp_path / "scores.jsonl"
    texts = {"1": TEXT, "2": "[Invented] The price of millet rose in the north of the country."}
    articles.write_text("".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in texts.items()), encoding="utf-8")
    cleared = {"status": "scored", "flag": False, "flag_probability": None, "role_label": None, "gate": True}
    scores.write_text("".join(json.dumps({"id": number, **cleared}) + "\n" for number in texts), encoding="utf-8")
    words = ("review", "build", scores, "--articles", articles, "--output", tmp_path / "queue")
    said = json.loads(workplace.run(*words, "--annotations", labelled(tmp_path / "ada.jsonl"), "--json").stdout)
    assert said["texts"] == 1
    [remark] = said["remarks"]
    assert remark.startswith("1 labelled texts have no probabilities")
    assert "predict --no-gate" in remark
    page = (tmp_path / "queue" / "queue.html").read_bytes()
    line = workplace.refusal(*words)
    assert f"{tmp_path / 'queue' / 'queue.html'} is there already" in line
    assert "give another --output, or take it away" in line
    assert (tmp_path / "queue" / "queue.html").read_bytes() == page


def test_where_all_is_disputed_the_agreement_is_shown_all_the_same(workplace: Workplace, tmp_path: Path) -> None:
    files = (labelled(tmp_path / "ada.jsonl"), labelled(tmp_path / "ben.jsonl", africa=False))
    words = ("review", "merge", *files, "--output", tmp_path / "v.jsonl")
    done = workplace.run(*words, "--json", code=2)
    said = json.loads(done.stdout)
    assert said["disputed"] == [{"corpus": "box", "id": "1", "fields": ["africa"]}]
    assert said["annotations"] is None
    assert {one["texts"] for one in said["agreement"]} == {1}
    [line] = done.stderr.splitlines()
    assert "no text has labels that stand yet: decide on the 1 in" in line
    assert "Agreement of annotators" in workplace.run(*words, code=2).stdout
    assert not (tmp_path / "v.jsonl").exists()


def test_one_annotators_file_becomes_a_version_that_is_not_written_over(workplace: Workplace, tmp_path: Path) -> None:
    file = labelled(tmp_path / "ada.jsonl")
    output = tmp_path / "v.jsonl"
    said = json.loads(workplace.run("review", "merge", file, "--output", output, "--json").stdout)
    assert said["annotators"] == {"ada": 1}
    assert said["joined"] == {"single": 1}
    assert said["to_adjudicate"] is None
    assert {one["texts"] for one in said["agreement"]} == {0}
    before = output.read_bytes()
    assert "is there already" in workplace.refusal("review", "merge", file, "--output", output)
    assert output.read_bytes() == before
