"""`fimiscope predict` and `fimiscope explain` as an analyst runs them: all inputs, all outputs, all ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from lxml import html
from openpyxl import load_workbook

if TYPE_CHECKING:
    from conftest import Workplace

INBOX = Path(__file__).parents[2] / "data" / "sample" / "inbox"
MAPPING = "text=Body,title=Headline,published=Date,outlet=Source"
FAILED = ("digits-and-symbols.txt", "empty.txt")
PLAIN = "The mayor of the invented town of Kolo opened a covered market on Monday and thanked the masons for it."
COUNTS = ("flagged", "clear", "abstained", "failed")


def verdicts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def counted(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts = dict.fromkeys(COUNTS, 0)
    for row in rows:
        counts[{True: "flagged", False: "clear"}[row["flag"]] if row["status"] == "scored" else row["status"]] += 1
    return counts


@pytest.fixture(scope="module")
def inbox(workplace: Workplace, tiny_bundle: Path) -> subprocess.CompletedProcess[str]:
    """The sample inbox, scored to `inbox.jsonl`."""
    return workplace.run("predict", INBOX, "--model", tiny_bundle, "--output", "inbox.jsonl", "--show", code=3)


@pytest.fixture(scope="module")
def scored(workplace: Workplace, inbox: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return verdicts(workplace.folder / "inbox.jsonl")


def test_a_folder_of_every_kind_of_file_is_read_in_order(scored: list[dict[str, Any]]) -> None:
    ids = [row["id"] for row in scored]
    files = [name.partition(":")[0] for name in ids if not name.startswith("feed-")]
    assert files == sorted(files)
    assert {Path(name).suffix for name in files} == {".csv", ".html", ".txt"}
    assert [name for name in ids if name.startswith("feed-")] == [f"feed-{number}" for number in range(1, 6)]


def test_what_cannot_be_read_stops_nothing_and_gives_the_reason(scored: list[dict[str, Any]]) -> None:
    failed = {row["id"]: row for row in scored if row["status"] == "failed"}
    assert set(FAILED) <= set(failed)
    for row in failed.values():
        assert row["reason"]
        scores = ("flag", "flag_probability", "role", "role_label", "actors", "narratives", "africa", "evidence")
        assert all(row[name] is None for name in scores)
    assert len(failed) < len(scored) / 2


def test_the_closing_table_counts_every_outcome(
    inbox: subprocess.CompletedProcess[str], scored: list[dict[str, Any]]
) -> None:
    for outcome, count in counted(scored).items():
        [row] = [line for line in inbox.stdout.splitlines() if line.startswith(f"│ {outcome} ")]
        assert int(row.split("│")[2]) == count
    assert "Flags are for human review" in inbox.stdout
    assert inbox.stderr == ""


def test_flagged_articles_are_shown_with_their_evidence(
    inbox: subprocess.CompletedProcess[str], scored: list[dict[str, Any]]
) -> None:
    assert inbox.stdout.startswith("Flagged articles")
    for row in scored:
        if row["flag"]:
            assert row["id"] in inbox.stdout
            assert f"{row['flag_probability']:.2f}" in inbox.stdout


def test_evidence_is_found_letter_by_letter_in_the_file(scored: list[dict[str, Any]]) -> None:
    text = (INBOX / "repost-niger-troops.txt").read_text(encoding="utf-8")
    [row] = [row for row in scored if row["id"] == "repost-niger-troops.txt"]
    assert row["status"] == "scored" or row["reason"]
    for piece in row["evidence"]:
        assert text[piece["start"] : piece["end"]] == piece["text"]


def test_jsonl_csv_and_parquet_hold_the_same(
    workplace: Workplace, tiny_bundle: Path, scored: list[dict[str, Any]]
) -> None:
    for kind in ("csv", "parquet"):
        workplace.run("predict", INBOX, "--model", tiny_bundle, "--output", f"inbox.{kind}", code=3)
    with (workplace.folder / "inbox.csv").open(encoding="utf-8-sig", newline="") as file:
        sheet = list(csv.DictReader(file, strict=True))
    table = pq.read_table(workplace.folder / "inbox.parquet").to_pylist()
    assert len(sheet) == len(table) == len(scored)
    for row, cells, record in zip(scored, sheet, table, strict=True):
        assert cells["id"] == record["id"] == row["id"]
        assert cells["status"] == record["status"] == row["status"]
        assert record["evidence"] == row["evidence"]
        assert record["narratives_flagged"] == row["narratives_flagged"]
        assert cells["narratives_flagged"] == "; ".join(row["narratives_flagged"] or ())
        for head, prefix in (("role", "role"), ("actors", "actor"), ("narratives", "narrative")):
            for code, value in (row[head] or {}).items():
                assert record[f"{prefix}_{code}"] == value
                assert float(cells[f"{prefix}_{code}"]) == value
        if row["status"] != "failed":
            assert float(cells["flag_probability"]) == record["flag_probability"] == row["flag_probability"]
        else:
            assert cells["flag_probability"] == ""
            assert record["flag_probability"] is None


def test_the_page_and_the_workbook_show_the_same(
    workplace: Workplace, tiny_bundle: Path, scored: list[dict[str, Any]]
) -> None:
    for kind in ("html", "xlsx"):
        workplace.run("predict", INBOX, "--model", tiny_bundle, "--output", f"inbox.{kind}", code=3)
    document = html.fromstring((workplace.folder / "inbox.html").read_text(encoding="utf-8"))
    shown = {row["id"]: row for row in json.loads(document.xpath("string(//script[@id='rows-json'])"))}
    _, header, *cells = load_workbook(workplace.folder / "inbox.xlsx")["Articles"].iter_rows(values_only=True)
    sheet = [dict(zip(header, row, strict=True)) for row in cells]
    assert [row["id"] for row in sheet] == [row["id"] for row in scored]
    assert set(shown) == {row["id"] for row in scored}
    for row, record in zip(scored, sheet, strict=True):
        article = shown[row["id"]]
        assert article["probability"] == record["flag_probability"] == row["flag_probability"]
        assert article["outcome"] == record["outcome"]
        if article["outcome"] in ("flagged", "abstained"):
            marked = "".join(text for one in article["passages"] for text, heads in one["pieces"] if "role" in heads)
            assert all(piece["text"] in marked for piece in row["evidence"] if piece["head"] == "role")


def test_other_peoples_columns_and_counts_as_json(workplace: Workplace, tiny_bundle: Path) -> None:
    export = workplace.folder / "from elsewhere.csv"
    with export.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Headline", "Body", "Date", "Source"))
        writer.writerows((f"A market, no. {n}", PLAIN, f"2025-06-0{n}", "The Kolo Times") for n in range(1, 4))
    words = ("predict", export, "--model", tiny_bundle, "--output", "export.jsonl", "--columns", MAPPING, "--json")
    done = workplace.run(*words)
    rows = verdicts(workplace.folder / "export.jsonl")
    assert [row["id"] for row in rows] == [f"from elsewhere.csv:{row}" for row in (2, 3, 4)]
    about = {"title": "A market, no. 1", "url": None, "outlet": "The Kolo Times", "published": "2025-06-01"}
    assert rows[0]["article"] == about
    printed = json.loads(done.stdout.splitlines()[-1])
    assert {name: printed[name] for name in COUNTS} == counted(rows)
    assert printed["output"] == "export.jsonl"
    assert printed["model"]["name"] == "tiny"
    assert done.stderr == ""


def test_standard_input_a_glob_and_a_file_in_one_call(workplace: Workplace, tiny_bundle: Path) -> None:
    lines = "".join(f"{json.dumps({'id': name, 'text': PLAIN})}\n" for name in ("[/b] first", "=second"))
    done = workplace.run(
        *("predict", "-", INBOX / "*.html", INBOX / "feed.jsonl"),
        *("--model", tiny_bundle, "--output", "together.jsonl", "--show", "--profile", "high-recall"),
        stdin=f"{lines}no json\n",
        code=3,
    )
    rows = verdicts(workplace.folder / "together.jsonl")
    assert [row["id"] for row in rows[:3]] == ["[/b] first", "=second", "stdin:3"]
    assert [row["status"] == "failed" for row in rows[:3]] == [False, False, True]
    assert [row["id"] for row in rows[3:-5]] == sorted(path.name for path in INBOX.glob("*.html"))
    assert len(rows) == 3 + len(list(INBOX.glob("*.html"))) + 5
    assert done.stderr == ""


def test_an_unknown_profile_is_refused_with_the_legal_ones(workplace: Workplace, tiny_bundle: Path) -> None:
    line = workplace.refusal("predict", INBOX, "--model", tiny_bundle, "--output", "x.jsonl", "--profile", "loud")
    assert line == "fimiscope: profile 'loud' is unknown: choose balanced, high-recall, high-precision"


def test_a_refused_call_leaves_an_older_result_as_it_was(workplace: Workplace, tiny_bundle: Path) -> None:
    older = workplace.folder / "older.jsonl"
    older.write_text("what was here before\n")
    for words, said in (
        ((INBOX, "nowhere.csv"), "nowhere.csv does not exist"),
        ((INBOX, "--columns", "text"), "--columns text: expected ours=theirs pairs"),
        ((INBOX, "--columns", "boby=Body"), "boby"),
    ):
        line = workplace.refusal("predict", *words, "--model", tiny_bundle, "--output", older)
        assert said in line
    assert "models" in workplace.refusal("predict", INBOX, "--model", "models/none", "--output", older)
    assert older.read_text() == "what was here before\n"


def test_a_stopped_call_leaves_an_older_result_as_it_was(workplace: Workplace, tiny_bundle: Path) -> None:
    folder = workplace.folder / "stopped"
    folder.mkdir()
    older = folder / "older.jsonl"
    older.write_text("what was here before\n")
    process = subprocess.Popen(
        workplace.command("predict", "-", "--model", tiny_bundle, "--output", older),
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    # As a batch system ends a job; Ctrl-C takes the same way.
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "fimiscope: stopped; the same command goes on from here\n")
    assert [path.name for path in folder.iterdir()] == ["older.jsonl"]
    assert older.read_text() == "what was here before\n"


def test_a_reader_that_leaves_early_is_no_error(workplace: Workplace, tiny_bundle: Path) -> None:
    words = workplace.command("explain", INBOX / "feed.jsonl", "--model", tiny_bundle)
    first, second = os.pipe()
    os.close(first)
    done = subprocess.run(words, stdout=second, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    os.close(second)
    assert (done.returncode, done.stderr) == (0, "")


def test_explain_shows_windows_scores_evidence_and_definitions(workplace: Workplace, tiny_bundle: Path) -> None:
    done = workplace.run("explain", INBOX / "repost-niger-troops.txt", "--model", tiny_bundle)
    for words in ("repost-niger-troops.txt: ", "threshold", "Windows", "Scores by blend", "Nearest definitions"):
        assert words in done.stdout
    assert "operations of information in the Sahel" in done.stdout
    assert done.stderr == ""


def test_explain_as_json_picks_one_article_by_id(workplace: Workplace, tiny_bundle: Path) -> None:
    feed = INBOX / "feed.jsonl"
    done = workplace.run("explain", feed, "--model", tiny_bundle, "--id", "feed-3", "--json")
    explained = json.loads(done.stdout)
    assert explained["verdict"]["id"] == "feed-3"
    titles = [table["title"] for table in explained["tables"]]
    assert titles[:2] == ["Windows", "Scores by blend"]
    assert all(len(row) == len(table["columns"]) for table in explained["tables"] for row in table["rows"])
    line = workplace.refusal("explain", feed, "--model", tiny_bundle, "--id", "feed-9")
    assert line.endswith("feed.jsonl holds no article with the id 'feed-9'")
