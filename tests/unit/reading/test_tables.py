"""Tables as the world exports them: delimiters, encodings, broken rows, broken files."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.errors import ReadingError
from fimiscope.reading import article_of, read_articles, read_rows
from fimiscope.records import Article, Unreadable


def csv_file(folder: Path, content: str | bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def texts(path: Path) -> list[str | None]:
    return [item.text if isinstance(item, Article) else None for item in read_articles([path])]


def reasons(path: Path) -> dict[str, str]:
    return {item.id: item.reason for item in read_articles([path]) if isinstance(item, Unreadable)}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = [["id", "text", "outlet"], ["1", '"Un, deux; trois | quatre"', "Kolo"], ["2", '"Dit ""oui""\nhier"', ""]]
    path = csv_file(tmp_path, "\n".join(delimiter.join(row) for row in rows), name)
    items = list(read_articles([path]))
    assert items == [
        Article("1", "Un, deux; trois | quatre", outlet="Kolo", place=f"{path}:2"),
        Article("2", 'Dit "oui"\nhier', place=f"{path}:3"),
    ]


def test_a_table_of_one_column_is_not_split_at_its_commas(tmp_path: Path) -> None:
    assert texts(csv_file(tmp_path, "text\nUn, deux; trois\n")) == ["Un, deux; trois"]


def test_a_spreadsheets_hint_of_the_delimiter_is_heeded(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "sep=;\r\ntext;title\r\nUn, deux;T\r\n")
    assert [(item.id, item.place) for item in read_articles([path])] == [("x.csv:3", f"{path}:3")]
    assert texts(path) == ["Un, deux"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_csv(tmp_path: Path, encoding: str) -> None:
    content = "Text,Title\r\nL’été à Bala « déjà »,É\r\n"
    path = csv_file(tmp_path, content.encode(encoding))
    (item,) = read_articles([path])
    assert isinstance(item, Article)
    assert (item.text, item.title) == ("L’été à Bala « déjà »", "É")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_inside_cells_stay_as_they_are(tmp_path: Path, newline: str) -> None:
    path = csv_file(tmp_path, newline.join(["id,text", f'1,"un{newline}deux"', "2,trois", ""]))
    assert texts(path) == [f"un{newline}deux", "trois"]


def test_one_damaged_row_in_a_utf8_csv_does_not_change_the_encoding(tmp_path: Path) -> None:
    good = "".join(f"{number},été à Bala\n" for number in range(3, 9))
    path = csv_file(tmp_path, b"id,text\n1,\xe9t\xe9 perdu\n" + good.encode())
    assert texts(path) == [None] + ["été à Bala"] * 6
    assert reasons(path) == {"x.csv:2": "byte 3 of the line is not UTF-8"}


def test_an_unclosed_quote_costs_one_row(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'id,text\n1,"jamais fermé\n2,deux\n3,trois\n')
    assert texts(path) == [None, "deux", "trois"]
    assert reasons(path) == {"x.csv:2": "a quoted cell begins here and never ends"}


def test_a_header_that_cannot_be_read_fails_the_file_and_no_other(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'id,"text\n1,un\n2,deux\n')
    assert reasons(path) == {"x.csv:1": "the header cannot be read: a quoted cell begins here and never ends"}
    assert texts(path) == [None]


@pytest.mark.slow
@pytest.mark.parametrize(("header", "good"), [('id,"text', 0), ('id,text\n0,"jamais', 300_000)])
def test_an_unclosed_quote_on_top_of_a_large_csv_costs_one_row(tmp_path: Path, header: str, good: int) -> None:
    path = csv_file(tmp_path, header + "\n" + f"1,{'mot ' * 20}\n" * 300_000)
    bad, *items = read_articles([path])
    assert isinstance(bad, Unreadable)
    assert bad.reason.endswith("the row has more than 100,000 lines")
    assert len(items) == good


def test_numbers_without_measure_cost_one_row(tmp_path: Path) -> None:
    lines = ['{"text": ' + "9" * 1_000_000 + "}", '{"text": 1e999999}', '{"text": "bon"}']
    path = csv_file(tmp_path, "\n".join(lines), "x.jsonl")
    assert texts(path) == [None, "inf", "bon"]


def test_an_article_of_50_million_characters_costs_one_row(tmp_path: Path) -> None:
    path = csv_file(tmp_path, '{"text": "' + "mot " * 12_500_000 + '"}\n{"text": "bon"}\n', "x.jsonl")
    assert texts(path) == [None, "bon"]
    assert reasons(path) == {"x.jsonl:1": "the line is longer than 50,000,000 characters"}


def test_stray_quotes_do_not_melt_rows_together(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'id,text\n1,"jamais fermé\n2,deux\n3,"de nouveau\n4,quatre\n5,dit "oui" ici\n')
    assert texts(path) == [None, "deux", None, "quatre", 'dit "oui" ici']


def test_rows_with_too_many_or_too_few_cells_are_listed(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id,text\n1,un, deux\n2\n\n3,trois\n")
    assert reasons(path) == {
        "x.csv:2": "the row has 3 cells, the header has 2",
        "x.csv:3": "the row has 1 cells, the header has 2",
    }
    assert texts(path)[-1] == "trois"


def test_null_bytes_cost_one_row(tmp_path: Path) -> None:
    assert texts(csv_file(tmp_path, b"text,a\nun,1\nde\0ux,2\ntrois,3\n")) == ["un", None, "trois"]
    path = csv_file(tmp_path, b'{"text": "un"}\n{"te\0xt": "deux"}\n{"text": "trois"}\n', "x.jsonl")
    assert texts(path) == ["un", None, "trois"]


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    text = "mot " * 100_000
    assert texts(csv_file(tmp_path, f"text,id\n{text},1\n")) == [text]


def test_a_csv_with_a_header_alone_holds_nothing_and_an_empty_one_says_so(tmp_path: Path) -> None:
    assert texts(csv_file(tmp_path, "text,id\n")) == []
    assert reasons(csv_file(tmp_path, "", "empty.csv")) == {"empty.csv": "the file is empty: not even a header"}


def test_a_column_that_stands_twice_is_refused_only_when_it_is_ours(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="the column 'text' twice"):
        read_articles([csv_file(tmp_path, "text,text\na,b\n")])
    (row,) = read_rows(csv_file(tmp_path, "text,n,n\na,1,2\n", "y.csv"))
    assert row[1] == {"text": "a", "n": "1", "n#2": "2", "id": "y.csv:2"}


def test_broken_lines_of_jsonl_are_listed_with_their_number(tmp_path: Path) -> None:
    lines = ['{"text": "un"}', '{"text": "deux"', "[1]", "", '{"text": ["a"]}', "[" * 100_000, '{"text": "\u2028six"}']
    path = csv_file(tmp_path, "\n".join(lines), "x.jsonl")
    assert texts(path) == ["un", None, None, None, None, "\u2028six"]
    found = reasons(path)
    assert found["x.jsonl:2"].startswith("the line is not valid JSON (")
    assert found["x.jsonl:3"] == "the line is no JSON object"
    assert found["x.jsonl:5"] == "its text is a list, not text"
    assert "x.jsonl:6" in found


def test_undecodable_bytes_of_jsonl_are_listed_with_their_place(tmp_path: Path) -> None:
    path = csv_file(tmp_path, '{"text": "é"}\n'.encode() + b'{"text": "\xe9"}\n{"text": "fin"}\n', "x.jsonl")
    assert texts(path) == ["é", None, "fin"]
    assert reasons(path) == {"x.jsonl:2": "byte 11 of the line is not UTF-8"}


def test_a_json_array_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = csv_file(tmp_path, '[\n  {"text": "un"}\n]\n', "x.jsonl")
    with pytest.raises(ReadingError, match="write one object a line"):
        read_articles([path])


def test_text_may_come_late_in_a_jsonl(tmp_path: Path) -> None:
    path = csv_file(tmp_path, '{"id": "a"}\n{"id": "b", "text": "deux"}\n', "x.ndjson")
    assert texts(path) == [None, "deux"]
    assert reasons(path) == {"a": "the row has no text column"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12, "12"), (12.0, "12"), (12.5, "12.5"), (True, "true"), (None, ""), ("", ""), ("x", "x")],
)
def test_cells_that_are_no_text_are_made_text(tmp_path: Path, value: Any, expected: str) -> None:
    path = csv_file(tmp_path, json.dumps({"text": value, "id": value, "title": value}), "x.jsonl")
    (item,) = read_articles([path])
    assert isinstance(item, Article)
    assert item.text == expected
    assert item.id == (expected or "x.jsonl:1")
    assert item.title == (expected or None)


def parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "x.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        {
            "ID": [7, None],
            "Text": ["un", None],
            "published": [datetime.datetime(2024, 3, 5, 10, 30), None],
            "outlet": pa.array([b"Kolo", None], pa.binary()),
        },
    )
    assert list(read_articles([path])) == [
        Article("7", "un", published="2024-03-05T10:30:00", outlet="Kolo", place=f"{path}:1"),
        Article("x.parquet:2", "", place=f"{path}:2"),
    ]


def test_parquet_cells_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\3\0\0\0\5\0\0\0"), pa.py_buffer(b"un\xffok")]
    )
    assert texts(parquet(tmp_path, {"text": bad})) == ["un", None, "ok"]
    path = parquet(tmp_path, {"text": pa.array([b"un", b"\xe9"], pa.binary())})
    assert texts(path) == ["un", None]
    assert reasons(path) == {"x.parquet:2": "byte 1 of its text is not UTF-8"}


def test_a_damaged_parquet_is_listed(tmp_path: Path) -> None:
    whole = parquet(tmp_path, {"text": ["mot " * 50] * 5000}, row_group_size=1000, compression="none").read_bytes()
    cut = csv_file(tmp_path, whole[: len(whole) // 2], "cut.parquet")
    assert "no readable parquet" in reasons(cut)["cut.parquet"]
    holed = csv_file(tmp_path, whole[:2000] + b"\xff" * 4000 + whole[6000:], "holed.parquet")
    assert any(isinstance(item, Unreadable) for item in read_articles([holed]))


def test_parquet_lists_its_columns_when_text_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="columns found: Body, n"):
        read_articles([parquet(tmp_path, {"Body": ["a"], "n": [1]})])


def test_labels_beside_the_text_come_through_untouched(tmp_path: Path) -> None:
    labels = {
        "role": "reports",
        "actors": ["russia"],
        "africa": True,
        "evidence": [{"start": 0, "end": 2}],
        "family": 3,
    }
    path = csv_file(tmp_path, json.dumps({"Id": 5, "Body": "un", **labels}), "x.jsonl")
    ((place, values),) = read_rows(path, {"text": "Body"})
    assert place == f"{path}:1"
    assert values == {"id": "5", "text": "un", **labels}
    assert isinstance(values, dict)
    assert article_of(values, place) == Article("5", "un", place=place)


def test_rows_may_be_read_that_have_no_text(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id;role\na;none\n")
    assert list(read_rows(path, needs=("id",))) == [(f"{path}:2", {"id": "a", "role": "none"})]
    with pytest.raises(ReadingError, match="no column 'text'"):
        read_rows(path)


def test_read_rows_takes_tables_only(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="does not exist"):
        read_rows(tmp_path / "gone.csv")
    with pytest.raises(ReadingError, match="is no table"):
        read_rows(csv_file(tmp_path, "mot", "x.txt"))


def test_columns_named_by_the_user_win_over_namesakes(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "text,Body,title\nrésumé,corps,T\n")
    ((_, values),) = read_rows(path, {"text": "body"})
    assert values == {"id": "x.csv:2", "text": "corps", "title": "T"}


def test_long_column_names_are_cut_in_messages(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Une phrase entière qui n'est pas un nom de colonne du tout,b\nc,d\n")
    with pytest.raises(ReadingError) as refusal:
        read_articles([path])
    assert "du tout" not in str(refusal.value)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_any_well_written_csv_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str
) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = [delimiter.join(map(quoted, row)) for row in [("text", "note"), *rows]]
    path = csv_file(tmp_path_factory.getbasetemp(), "\r\n".join(lines))
    found = [values for _, values in read_rows(path)]
    assert found == [
        {"text": text, "note": note, "id": f"x.csv:{number}"} for number, (text, note) in enumerate(rows, start=2)
    ]
