"""Several annotators' labels become one version of annotations; what they differ on is held back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fimiscope.checksums import sha256_of_file, sha256_of_text
from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import build
from fimiscope.corpus.labelled import read_labelled
from fimiscope.corpus.provenance import Provenance, provenance_file
from fimiscope.errors import CorpusError, OutputError, ReadingError
from fimiscope.reading import read_articles
from fimiscope.records import Article, Span
from fimiscope.review.adjudication import disputed_queue
from fimiscope.review.candidates import read_labels
from fimiscope.review.merging import Merge, check_labelled, check_output, merge, write_version

TEXTS = {
    "a": "[Invented] The far bank wants the mines of Kolo. \u2028 It rained. \U0001f600 They all say so.",
    "b": "[Invented] The council of Kolo met on Tuesday and spoke of the price of millet.",
    "c": "[Invented] A page that speaks for the far bank paid for posts on the mines, the paper found.",
}
Row = dict[str, Any]


def row(identity: str, annotator: str, role: str, codebook: Codebook, **changes: Any) -> Row:
    carried = role != NO_ROLE
    labels: Row = {
        "id": identity,
        "corpus": "box",
        "sha256": sha256_of_text(TEXTS[identity]),
        "language": "en",
        "role": role,
        "actors": list(codebook.actor_codes[:1]) if carried else [],
        "narratives": list(codebook.narrative_codes[:1]) if carried else [],
        "africa": True,
        "evidence": [{"start": 11, "end": 47}] if carried else [],
        "confidence": "high",
        "codebook": codebook.version,
        "annotator": annotator,
        "labelled_at": "2026-01-02T03:04:05.000Z",
    }
    return labels | changes


def write(path: Path, *rows: Row) -> Path:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rows), encoding="utf-8")
    return path


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return write(
        tmp_path / "box.jsonl", *({"id": one, "text": text, "title": f"Title {one}"} for one, text in TEXTS.items())
    )


@pytest.fixture
def files(tmp_path: Path, codebook: Codebook) -> list[Path]:
    """Two annotators who differ on `c`; the second marks more words of `a` and is unsure of it."""
    first = [
        row("a", "Ada", "carries", codebook),
        row("b", "Ada", NO_ROLE, codebook),
        row("c", "Ada", "reports", codebook),
    ]
    wider = [{"start": 40, "end": 60}, {"start": 70, "end": 80}]
    second = [
        row("a", "Ben", "carries", codebook, evidence=wider, confidence="low"),
        row("b", "Ben", NO_ROLE, codebook),
        row("c", "Ben", "carries", codebook, narratives=[]),
    ]
    return [write(tmp_path / "ada.jsonl", *first), write(tmp_path / "ben.jsonl", *second)]


def merged(done: Merge, output: Path, articles: Path) -> tuple[list[Row], Path | None]:
    disputed = write_version(done, output, read_articles([articles]))
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()], disputed


def test_agreed_labels_stand_and_disputed_texts_are_held_back(
    files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path
) -> None:
    done = merge(files, codebook)
    rows, disputed = merged(done, tmp_path / "out" / "version-1.jsonl", articles)
    assert [(one["id"], one["joined"], one["labellers"]) for one in rows] == [("a", "agreed", 2), ("b", "agreed", 2)]
    assert rows[0]["evidence"] == [{"start": 11, "end": 60}, {"start": 70, "end": 80}]
    assert rows[0]["confidence"] == "low"
    assert rows[0]["text"] == TEXTS["a"]
    assert rows[0]["title"] == "Title a"
    assert disputed == tmp_path / "out" / "version-1.disputed.jsonl"
    [held] = [json.loads(line) for line in disputed.read_text(encoding="utf-8").splitlines()]
    assert held["id"] == "c"
    assert held["disputed"] == ["role", f"narratives/{codebook.narrative_codes[0]}"]
    assert {one["annotator"]: one["role"] for one in held["readings"]} == {"Ada": "reports", "Ben": "carries"}
    rows_of = {one.field: one for one in done.agreement}
    assert (rows_of["role"].texts, rows_of["role"].agreed) == (3, 2)


def test_the_disputed_can_be_queued_again_without_saying_who_said_what(
    files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path
) -> None:
    _, disputed = merged(merge(files, codebook), tmp_path / "v.jsonl", articles)
    assert disputed is not None
    [item] = disputed_queue(disputed, read_articles([articles]), codebook).items
    assert item.article.text == TEXTS["c"]
    assert {one["role"] for one in item.readings} == {"reports", "carries"}
    assert all("annotator" not in one for one in item.readings)
    assert "readers differ on role" in item.why
    # What its readers called it stands, whatever the file is called now.
    [item] = disputed_queue(disputed, read_articles([articles.rename(tmp_path / "renamed.jsonl")]), codebook).items
    assert item.identity["corpus"] == "box"
    write(articles, {"id": "c", "text": "another text"})
    with pytest.raises(CorpusError, match="1 of 1 disputed texts are not in --articles as they were labelled"):
        disputed_queue(disputed, read_articles([articles]), codebook)


def test_the_place_of_a_reading_tells_nobody_who_gave_it(codebook: Codebook, tmp_path: Path) -> None:
    ids = [str(number) for number in range(20)]
    files = []
    for name, role in (("Ada", "reports"), ("Ben", "carries")):
        rows = [row("a", name, role, codebook, id=one, sha256=sha256_of_text(one)) for one in ids]
        files.append(write(tmp_path / f"{name}.jsonl", *rows))
    first = [one.readings[0].annotator for one in merge(files, codebook).disputed]
    assert 4 < first.count("Ada") < 16
    assert first == [one.readings[0].annotator for one in merge(files[::-1], codebook).disputed]


def test_adjudicators_who_differ_are_refused(files: list[Path], codebook: Codebook, tmp_path: Path) -> None:
    eva = write(tmp_path / "eva.jsonl", row("c", "Eva", "rebuts", codebook))
    other = write(tmp_path / "finn.jsonl", row("c", "Finn", "reports", codebook))
    with pytest.raises(CorpusError, match=r"--adjudicated: Eva and Finn differ on 'c' of box \(role\): let them agree"):
        merge(files, codebook, adjudicated=[eva, other])
    write(other, row("c", "Finn", "rebuts", codebook))
    done = merge(files, codebook, adjudicated=[eva, other])
    assert done.joined == {"adjudicated": 1, "agreed": 2}
    assert done.adjudicators == {"Eva": 1, "Finn": 1}


def test_files_of_one_name_are_not_taken_for_one_person(codebook: Codebook, tmp_path: Path) -> None:
    files = []
    for name, role in (("ada", "reports"), ("ben", "carries")):
        (tmp_path / name).mkdir()
        files.append(write(tmp_path / name / "labels.jsonl", row("a", "", role, codebook)))
    assert merge(files[:1], codebook).annotators == {"labels": 1}
    with pytest.raises(
        CorpusError, match=r"'labels' in .*ada.labels\.jsonl and in .*ben.labels\.jsonl may be two people"
    ):
        merge(files, codebook)


def test_no_version_is_there_without_its_provenance(codebook: Codebook, tmp_path: Path) -> None:
    file = write(tmp_path / "ada.jsonl", row("a", "Ada", "carries", codebook))
    # The longest name of a file is 255 characters: the version's would do, that of its provenance is too long.
    output = tmp_path / f"{'v' * 235}.jsonl"
    with pytest.raises(OutputError, match=r"provenance\.json cannot be written \(File name too long\)"):
        write_version(merge([file], codebook), output, None)
    assert not output.exists()


def test_a_name_that_the_system_refuses_ends_in_one_line(codebook: Codebook, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\)"):
        check_output(tmp_path / f"{'v' * 300}.jsonl")
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\)"):
        check_output(tmp_path / ("v" * 300) / "v.jsonl")
    with pytest.raises(ReadingError, match=r"cannot be read \(File name too long\)"):
        merge([tmp_path / f"{'v' * 300}.jsonl"], codebook)


def test_an_adjudicator_decides(files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path) -> None:
    decision = write(tmp_path / "eva.jsonl", row("c", "Eva", "rebuts", codebook))
    done = merge(files, codebook, adjudicated=[decision])
    rows, disputed = merged(done, tmp_path / "v.jsonl", articles)
    assert disputed is None
    assert [one["joined"] for one in rows] == ["agreed", "agreed", "adjudicated"]
    assert (rows[2]["role"], rows[2]["confidence"], rows[2]["labellers"]) == ("rebuts", "low", 2)
    provenance = Provenance.of(tmp_path / "v.jsonl")
    assert provenance is not None
    assert provenance.annotators == {"Ada": 3, "Ben": 3}
    assert provenance.adjudicators == {"Eva": 1}
    assert provenance.joined == {"adjudicated": 1, "agreed": 2}
    assert provenance.codebook == codebook.version
    assert provenance.sha256 == sha256_of_file(tmp_path / "v.jsonl")
    inputs = {one["file"]: one["sha256"] for one in provenance.inputs}
    assert inputs == {path.name: sha256_of_file(path) for path in (*files, decision)}
    assert {one["field"]: one["agreed"] for one in provenance.agreement}["role"] == 2


def test_the_new_version_is_a_labelled_source(
    files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path
) -> None:
    output = tmp_path / "v.jsonl"
    merged(merge(files, codebook), output, articles)
    hold_out = {"valid": 0, "test": 0}
    config = CorpusConfig.model_validate({"sources": [{"kind": "labelled", "path": str(output), "hold_out": hold_out}]})
    corpus = build(config, codebook, seed=1)
    assert corpus.dropped == ()
    examples = {example.article.id: example for example in corpus.examples}
    assert examples["a"].labels.evidence == (Span(11, 60), Span(70, 80))
    assert examples["b"].labels.narratives == ()
    assert examples["a"].weight < examples["b"].weight


def test_without_texts_it_is_an_annotated_source(
    files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path
) -> None:
    output = tmp_path / "v.jsonl"
    write_version(merge(files, codebook), output, None)
    assert "Kolo" not in output.read_text(encoding="utf-8")
    source = {"kind": "annotated", "annotations": str(output), "texts": str(articles.parent)}
    config = CorpusConfig.model_validate({"sources": [source | {"hold_out": {"valid": 0, "test": 0}}]})
    corpus = build(config, codebook, seed=1)
    assert {example.article.text for example in corpus.examples} == {TEXTS["a"], TEXTS["b"]}


def test_the_last_of_an_annotators_exports_counts(articles: Path, codebook: Codebook, tmp_path: Path) -> None:
    early = write(tmp_path / "one.jsonl", row("a", "Ada", "reports", codebook))
    late = write(tmp_path / "two.jsonl", row("a", "Ada", "carries", codebook, labelled_at="2026-02-01T00:00:00Z"))
    for order in ([early, late], [late, early]):
        done = merge(order, codebook)
        assert [(one.reading.labels.role, one.joined, one.labellers) for one in done.texts] == [
            ("carries", "single", 1)
        ]
        assert done.annotators == {"Ada": 1}


def test_the_files_order_does_not_matter(files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path) -> None:
    one, _ = merged(merge(files, codebook), tmp_path / "1.jsonl", articles)
    other, _ = merged(merge(files[::-1], codebook), tmp_path / "2.jsonl", articles)
    assert one == other


def test_a_published_version_is_not_written_over(
    files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path
) -> None:
    output = write(tmp_path / "v.jsonl", {"id": "published"})
    with pytest.raises(OutputError, match="is there already"):
        merged(merge(files, codebook), output, articles)
    assert "published" in output.read_text(encoding="utf-8")


def test_nothing_is_written_when_a_text_is_not_the_labelled_one(
    files: list[Path], codebook: Codebook, tmp_path: Path
) -> None:
    changed = write(tmp_path / "changed.jsonl", {"id": "a", "text": TEXTS["a"] + "!"}, {"id": "b", "text": TEXTS["b"]})
    with pytest.raises(CorpusError, match=r"1 of 2 labelled texts cannot be used: a \(this text is not there\)"):
        merged(merge(files, codebook), tmp_path / "v.jsonl", changed)
    assert not (tmp_path / "v.jsonl").exists()
    outside = write(tmp_path / "out.jsonl", row("a", "Ada", "carries", codebook, evidence=[{"start": 5, "end": 5000}]))
    original = write(tmp_path / "box.jsonl", {"id": "a", "text": TEXTS["a"]})
    with pytest.raises(CorpusError, match=r"a \(evidence outside the text\)"):
        merged(merge([outside], codebook), tmp_path / "v.jsonl", original)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"codebook": "0.9"}, "labelled by codebook 0.9, not 1.0: give the right one as --codebook"),
        ({"sha256": None}, "expected id, corpus and sha256"),
        ({"africa": None}, "expected a role, and whether Africa is a subject"),
        ({"role": "praises"}, "not in the codebook: role 'praises'"),
        ({"africa": "perhaps"}, "africa is neither true nor false"),
        ({"narratives": None}, "expected actors and narratives: write [] where there are none"),
        ({"evidence": [{"start": 5, "end": 5}]}, "evidence from 5 to 5 is no part of its text"),
    ],
)
def test_rows_that_are_no_annotations_are_named(codebook: Codebook, tmp_path: Path, changes: Row, said: str) -> None:
    broken = row("b", "Ada", "carries", codebook) | changes
    file = write(tmp_path / "ada.jsonl", row("a", "Ada", "carries", codebook), broken)
    with pytest.raises(CorpusError, match=r"ada\.jsonl:2: .*") as refused:
        merge([file], codebook)
    assert said in str(refused.value)


def test_files_of_different_texts_are_refused(codebook: Codebook, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", row("a", "Ada", "carries", codebook))
    other = write(tmp_path / "other.jsonl", row("a", "Ben", "carries", codebook, sha256="0" * 64))
    with pytest.raises(CorpusError, match="'a' of box stands for two different texts"):
        merge([one, other], codebook)


def test_names_that_differ_in_capitals_are_one_annotator(codebook: Codebook, tmp_path: Path) -> None:
    early = write(tmp_path / "one.jsonl", row("a", "ada", "reports", codebook))
    late = write(tmp_path / "two.jsonl", row("a", "Ada", "carries", codebook, labelled_at="2026-02-01T00:00:00Z"))
    done = merge([early, late], codebook)
    assert [(one.reading.labels.role, one.joined) for one in done.texts] == [("carries", "single")]
    assert done.annotators == {"Ada": 1}


def test_a_text_under_two_corpora_is_refused(codebook: Codebook, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", row("a", "Ada", "carries", codebook))
    other = write(tmp_path / "other.jsonl", row("a", "Ben", "reports", codebook, corpus="renamed"))
    with pytest.raises(CorpusError, match="'a' is one text under two corpora, box and renamed") as refused:
        merge([one, other], codebook)
    assert "write one of them as corpus in all files" in str(refused.value)


def test_texts_of_one_id_in_two_corpora_keep_their_own_text(codebook: Codebook, tmp_path: Path) -> None:
    digest = sha256_of_text(TEXTS["c"])
    other = {"corpus": "crate", "sha256": digest}
    first = write(
        tmp_path / "ada.jsonl", row("a", "Ada", "carries", codebook), row("a", "Ada", "reports", codebook) | other
    )
    second = write(
        tmp_path / "ben.jsonl", row("a", "Ben", "reports", codebook), row("a", "Ben", "rebuts", codebook) | other
    )
    articles = [Article("a", TEXTS["a"]), Article("a", TEXTS["c"])]
    rows = write_version(merge([first], codebook), tmp_path / "one.jsonl", articles)
    assert rows is None
    written = [json.loads(line) for line in (tmp_path / "one.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {one["corpus"]: one["text"] for one in written} == {"box": TEXTS["a"], "crate": TEXTS["c"]}
    # Both train, and neither is asked for again.
    records, drops = read_labelled(tmp_path / "one.jsonl", codebook=codebook)
    assert {one.article.id: one.article.text for one in records} == {"box:a": TEXTS["a"], "crate:a": TEXTS["c"]}
    assert drops == ()
    assert {one.text for one in read_labels(tmp_path / "one.jsonl", codebook)} == {TEXTS["a"], TEXTS["c"]}
    done = merge([first, second], codebook)
    file = write(tmp_path / "v.disputed.jsonl", *(one.row() for one in done.disputed))
    queue = disputed_queue(file, articles, codebook)
    shown = {item.identity["corpus"]: item.article.text for item in queue.items}
    assert shown == {"box": TEXTS["a"], "crate": TEXTS["c"]}


def test_where_all_is_disputed_the_list_is_there_all_the_same(codebook: Codebook, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", row("a", "Ada", "carries", codebook))
    other = write(tmp_path / "other.jsonl", row("a", "Ben", "reports", codebook))
    done = merge([one, other], codebook)
    disputed = write_version(done, tmp_path / "v.jsonl", None)
    with pytest.raises(
        CorpusError, match=r"no text has labels that stand yet: decide on the 1 in .*v\.disputed\.jsonl"
    ):
        check_labelled(done, disputed)
    assert json.loads((tmp_path / "v.disputed.jsonl").read_text(encoding="utf-8"))["id"] == "a"
    assert not (tmp_path / "v.jsonl").exists()


def test_annotations_changed_after_the_merge_have_no_provenance(
    files: list[Path], articles: Path, codebook: Codebook, tmp_path: Path
) -> None:
    output = tmp_path / "v.jsonl"
    merged(merge(files, codebook), output, articles)
    output.write_text(output.read_text(encoding="utf-8").replace("carries", "rebuts"), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"v\.jsonl was changed after it was merged"):
        Provenance.of(output)
    provenance_file(output).unlink()
    assert Provenance.of(output) is None
