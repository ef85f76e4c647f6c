"""What comes out of files, folders, globs and standard input, and in which order."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimiscope.errors import ReadingError
from fimiscope.reading import read_articles
from fimiscope.records import Article, Unreadable


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def ids(*inputs: str | Path) -> list[str]:
    return [item.id for item in read_articles(inputs)]


def test_inputs_come_in_the_order_given_and_folders_sorted(tmp_path: Path) -> None:
    put(tmp_path / "in" / "b.txt", "deux")
    put(tmp_path / "in" / "a" / "z.md", "un")
    put(tmp_path / "in" / "c.jsonl", '{"text": "trois"}\n{"id": "own", "text": "quatre"}')
    last = put(tmp_path / "z.txt", "avant")
    assert ids(last, tmp_path / "in") == ["z.txt", "a/z.md", "b.txt", "c.jsonl:1", "own"]


def test_an_article_says_where_it_stands(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", '\n{"text": "a", "Title": "T", "URL": "https://example.org", "outlet": null}\n')
    assert list(read_articles([path])) == [
        Article("x.jsonl:2", "a", title="T", url="https://example.org", place=f"{path}:2")
    ]
    path = put(tmp_path / "d" / "x.txt", "b")
    assert [item.place for item in read_articles([tmp_path / "d"])] == [str(path)]


def test_a_glob_is_sorted_and_names_files_below_its_fixed_part(tmp_path: Path) -> None:
    for name in ("2.txt", "1.txt", "deep/3.txt", "note.pdf"):
        put(tmp_path / "in" / name, "mot")
    passed_over: list[str] = []
    found = [item.id for item in read_articles([str(tmp_path / "in" / "**" / "*")], passed_over=passed_over)]
    assert found == ["1.txt", "2.txt", "deep/3.txt"]
    assert passed_over == [str(tmp_path / "in" / "note.pdf")]
    assert ids(str(tmp_path / "i*")) == ["in/1.txt", "in/2.txt", "in/deep/3.txt"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    assert ids(put(tmp_path / "report [1].txt", "mot")) == ["report [1].txt"]


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    for name in ("a.txt", "b.pdf", ".hidden.txt", ".git/config", "c.docx"):
        put(tmp_path / name, "mot")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    passed_over: list[str] = []
    assert [item.id for item in read_articles([tmp_path], passed_over=passed_over)] == ["a.txt"]
    names = [name.removeprefix(str(tmp_path)) for name in passed_over]
    assert sorted(names) == ["/.git/", "/.hidden.txt", "/b.pdf", "/c.docx", "/loop/"]


def test_all_missing_inputs_are_named_before_anything_is_read(tmp_path: Path) -> None:
    good = put(tmp_path / "good.txt", "mot")
    (tmp_path / "empty").mkdir()
    pdf = put(tmp_path / "x.pdf", "mot")
    with pytest.raises(ReadingError) as refusal:
        read_articles([good, tmp_path / "gone.csv", str(tmp_path / "*.tsv"), tmp_path / "empty", pdf])
    for part in (
        "gone.csv does not exist",
        "nothing matches",
        "empty holds nothing that is read",
        "x.pdf is of no kind",
    ):
        assert part in str(refusal.value)


@pytest.mark.parametrize("inputs", [[], ["-", "-"]])
def test_no_input_and_standard_input_twice_are_refused(inputs: list[str]) -> None:
    with pytest.raises(ReadingError):
        read_articles(inputs, stdin=io.BytesIO())


def test_a_folder_of_other_kinds_is_refused_with_their_number(tmp_path: Path) -> None:
    put(tmp_path / "a.pdf", "x")
    with pytest.raises(ReadingError, match=r"holds nothing that is read \(1 of other kinds\)"):
        read_articles([tmp_path])


def test_standard_input_is_jsonl_and_stays_open(tmp_path: Path) -> None:
    stream = io.BytesIO('\ufeff{"text": "é"}\n{"text"\n'.encode())
    items = list(read_articles(["-"], stdin=stream))
    assert items[0] == Article("stdin:1", "é", place="-:1")
    assert isinstance(items[1], Unreadable)
    assert not stream.closed


def test_rows_of_standard_input_without_a_text_are_listed() -> None:
    (item,) = read_articles(["-"], stdin=io.BytesIO(b'{"Body": "a", "id": 7}\n'))
    assert isinstance(item, Unreadable)
    assert item.id == "7"
    assert item.reason == "the row has no text column"


def test_a_second_article_of_the_same_id_gets_a_number(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "1"}, {"id": "a#2", "text": "2"}, {"id": "a", "text": "3"}, {"id": "a", "text": "4"}]
    path = put(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    items = list(read_articles([path, path]))
    assert [item.id for item in items[:4]] == ["a", "a#2", "a#3", "a#4"]
    assert len({item.id for item in items}) == 8
    assert [item.place for item in items[:4]] == [f"{path}:{row}" for row in (1, 2, 3, 4)]


def test_one_bad_file_or_row_stops_no_other(tmp_path: Path) -> None:
    put(tmp_path / "1.txt", b"\x00\x01")
    put(tmp_path / "2.parquet", b"PAR1 no")
    put(tmp_path / "3.csv", "")
    put(tmp_path / "4.jsonl", '{"text": \n{"text": "bon"}')
    put(tmp_path / "5.html", "<html></html>")
    put(tmp_path / "6.txt", "bon")
    items = list(read_articles([tmp_path]))
    good = [item.id for item in items if isinstance(item, Article)]
    bad = [item.id for item in items if isinstance(item, Unreadable)]
    assert good == ["4.jsonl:2", "6.txt"]
    assert bad == ["1.txt", "2.parquet", "3.csv", "4.jsonl:1", "5.html"]


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    path = put(tmp_path / "x.txt", "avant")
    items = read_articles([path])
    put(path, "après")
    assert [item.text for item in items if isinstance(item, Article)] == ["après"]


def test_a_file_that_goes_away_meanwhile_is_listed(tmp_path: Path) -> None:
    paths = [put(tmp_path / name, '{"text": "a"}') for name in ("a.jsonl", "b.txt")]
    items = read_articles(paths)
    for path in paths:
        path.unlink()
    assert [(item.id, getattr(item, "reason", None)) for item in items] == [
        ("a.jsonl", "the file cannot be read (No such file or directory)"),
        ("b.txt", "the file cannot be read (No such file or directory)"),
    ]


def test_an_empty_text_stays_an_article(tmp_path: Path) -> None:
    rows = [{"text": ""}, {"text": None}, {"text": "", "title": "T"}]
    path = put(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    items = [*read_articles([path]), *read_articles([put(tmp_path / "e.txt", "")])]
    assert [item.text if isinstance(item, Article) else None for item in items] == ["", "", "", ""]


def test_columns_are_needed_by_tables_alone(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "Body,Headline\nun,titre\n")
    put(tmp_path / "b.txt", "deux")
    items = list(read_articles([tmp_path], columns={"text": "Body", "title": "Headline"}))
    assert [(item.text, item.title) for item in items if isinstance(item, Article)] == [("un", "titre"), ("deux", None)]


def test_every_table_without_its_column_is_named_at_once(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "Body,Headline\nun,titre\n")
    put(tmp_path / "b.jsonl", '{"Body": "x"}\n{"Corps": "y"}\n')
    with pytest.raises(ReadingError) as refusal:
        read_articles([tmp_path])
    message = str(refusal.value)
    assert "a.csv has no column 'text' (columns found: Body, Headline)" in message
    assert "b.jsonl has no column 'text' (columns found: Body, Corps)" in message
    assert "--columns text=Body,title=Headline" in message
    with pytest.raises(ReadingError, match="no column 'Headlin'"):
        read_articles([tmp_path / "a.csv"], columns={"text": "Body", "title": "Headlin"})
    with pytest.raises(ReadingError, match="the fields heading, which do not exist"):
        read_articles([tmp_path / "a.csv"], columns={"heading": "Headline"})


def test_half_an_emoji_becomes_a_replacement_character_in_its_place(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", '{"text": "un \\ud83d deux \\ud83d\\ude00", "id": "\\udc00"}\n')
    (item,) = read_articles([path])
    assert isinstance(item, Article)
    assert item.text == "un \ufffd deux 😀"
    assert item.id == "\ufffd"


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_large_table_is_never_held_whole(tmp_path: Path, kind: str) -> None:
    text, rows = "mot " * 1000, 2000
    path = tmp_path / f"x.{kind}"
    if kind == "jsonl":
        put(path, f'{{"text": "{text}"}}\n' * rows)
    elif kind == "csv":
        put(path, "text,id\n" + f"{text},\n" * rows)
    else:
        pq.write_table(pa.table({"text": [f"{number} {text}" for number in range(rows)]}), path, use_dictionary=False)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_articles([path])) == rows
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
