"""Packed inputs: gzip, Zstandard and zip around every kind, and what hostile ones cost."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from fimiscope.errors import ReadingError
from fimiscope.reading import read_articles, read_rows
from fimiscope.records import Article, Unreadable

PARAGRAPHS = (
    "Le ministre a annoncé mardi une réforme du marché aux grains, a rapporté la radio « Kolo » de Bala.",
    "Les producteurs du nord attendent une baisse des prix, que les marchands jugent peu probable cette année.",
)
FILES = {
    "feed.jsonl": "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in PARAGRAPHS).encode(),
    "export.csv": ("text;id\r\n" + "".join(f'"{text}";{n}\r\n' for n, text in enumerate(PARAGRAPHS))).encode("cp1252"),
    "page.html": "<html><body><article>{}{}</article></body></html>".format(
        *(f"<p>{text}</p>" for text in PARAGRAPHS)
    ).encode(),
    "note.txt": PARAGRAPHS[0].encode("utf-16"),
    "note.md": f"---\ntitle: Le marché\n---\n{PARAGRAPHS[0]}".encode(),
}


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


PACKED = {".gz": gzip.compress, ".zst": zstd}


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def texts(*inputs: str | Path) -> list[tuple[str | None, str]]:
    return [(item.title, item.text) for item in read_articles(inputs) if isinstance(item, Article)]


def faults(*inputs: str | Path) -> dict[str, str]:
    return {item.place: item.reason for item in read_articles(inputs) if isinstance(item, Unreadable)}


@pytest.mark.parametrize("ending", PACKED)
@pytest.mark.parametrize("name", FILES)
def test_a_packed_file_gives_the_articles_of_the_file(tmp_path: Path, name: str, ending: str) -> None:
    plain = put(tmp_path / name, FILES[name])
    packed = put(tmp_path / f"{name}{ending}", PACKED[ending](FILES[name]))
    found = texts(packed)
    assert found == texts(plain)
    assert len(found) == len(PARAGRAPHS) if name in ("feed.jsonl", "export.csv") else 1
    assert PARAGRAPHS[0] in found[0][1]


@pytest.mark.parametrize("ending", PACKED)
def test_rows_of_a_packed_file_are_named_by_it(tmp_path: Path, ending: str) -> None:
    path = put(tmp_path / f"FEED.JSONL{ending.upper()}", PACKED[ending](FILES["feed.jsonl"]))
    assert [(item.id, item.place) for item in read_articles([path])] == [
        (f"{path.name}:{row}", f"{path}:{row}") for row in (1, 2)
    ]
    assert [place for place, _ in read_rows(path)] == [f"{path}:1", f"{path}:2"]


@pytest.mark.parametrize("ending", PACKED)
def test_parts_that_were_packed_apart_and_joined_are_read_to_the_end(tmp_path: Path, ending: str) -> None:
    part = PACKED[ending](FILES["feed.jsonl"])
    assert len(texts(put(tmp_path / f"x.jsonl{ending}", part + part))) == 2 * len(PARAGRAPHS)


def test_packed_files_are_found_in_folders_and_by_globs(tmp_path: Path) -> None:
    put(tmp_path / "in" / "b" / "2.txt.gz", gzip.compress(b"deux"))
    put(tmp_path / "in" / "1.txt.zst", zstd(b"un"))
    put(tmp_path / "in" / "notes.gz", gzip.compress(b"rien"))
    put(tmp_path / "in" / "3.tar.gz", gzip.compress(b"rien"))
    passed_over: list[str] = []
    found = [item.id for item in read_articles([tmp_path / "in"], passed_over=passed_over)]
    assert found == ["1.txt.zst", "b/2.txt.gz"]
    assert passed_over == [str(tmp_path / "in" / name) for name in ("3.tar.gz", "notes.gz")]
    assert texts(str(tmp_path / "in" / "**" / "*.gz")) == [(None, "deux")]
    with pytest.raises(ReadingError, match=r"is of no kind that is read .*packed as \.gz, \.zst or inside \.zip"):
        read_articles([tmp_path / "in" / "notes.gz"])


def test_an_archive_is_read_like_a_folder(tmp_path: Path) -> None:
    members = {
        "b.txt": b"trois",
        "a/z.md": b"deux",
        "a.txt": b"un",
        "feed.jsonl": FILES["feed.jsonl"],
        "late/page.html.gz": gzip.compress(FILES["page.html"]),
        "photo.jpg": b"x",
        "inner.zip": b"x",
        ".hidden.txt": b"x",
        "__MACOSX/._a.txt": b"x",
        ".git/config.txt": b"x",
    }
    path = archive(tmp_path / "in.zip", members)
    passed_over: list[str] = []
    items = list(read_articles([path], passed_over=passed_over))
    assert [item.id for item in items] == [
        f"in.zip/{name}" for name in ("a/z.md", "a.txt", "b.txt", "feed.jsonl:1", "feed.jsonl:2", "late/page.html.gz")
    ]
    assert [item.place for item in items][:2] == [f"{path}/a/z.md", f"{path}/a.txt"]
    assert items[4].place == f"{path}/feed.jsonl:2"
    assert all(isinstance(item, Article) for item in items)
    others = (".git/config.txt", ".hidden.txt", "__MACOSX/._a.txt", "inner.zip", "photo.jpg")
    assert passed_over == [f"{path}/{name}" for name in others]
    put(tmp_path / "a.txt", b"avant")
    assert [item.id for item in read_articles([tmp_path])] == ["a.txt", *(item.id for item in items)]
    assert texts(str(tmp_path / "*.zip")) == texts(path)


def test_an_archive_with_nothing_to_read_is_refused_or_passed_over(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", {"photo.jpg": b"x"})
    with pytest.raises(ReadingError, match=r"in\.zip holds nothing that is read \(1 of other kinds\)"):
        read_articles([path])
    empty = archive(tmp_path / "none.zip", {})
    put(tmp_path / "a.txt", b"mot")
    passed_over: list[str] = []
    assert [item.id for item in read_articles([tmp_path], passed_over=passed_over)] == ["a.txt"]
    assert passed_over == [f"{path}/photo.jpg", str(empty)]
    with pytest.raises(ReadingError, match="is no table"):
        read_rows(path)


def test_columns_are_checked_inside_archives(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", {"a.csv": b"Body,Headline\nun,T\n"})
    with pytest.raises(ReadingError, match=r"in\.zip/a\.csv has no column 'text' \(columns found: Body, Headline\)"):
        read_articles([path])
    assert [item.id for item in read_articles([path], columns={"text": "Body"})] == ["in.zip/a.csv:2"]


def test_parquet_is_read_only_as_it_is(tmp_path: Path) -> None:
    packed = put(tmp_path / "x.parquet.gz", gzip.compress(b"PAR1"))
    with pytest.raises(ReadingError, match=r"x\.parquet\.gz is a packed parquet file: unpack it"):
        read_articles([packed])
    put(tmp_path / "a.txt", b"mot")
    archive(tmp_path / "in.zip", {"x.parquet": b"PAR1"})
    assert list(faults(tmp_path)) == [str(tmp_path / "in.zip" / "x.parquet"), str(packed)]


def long_feed() -> bytes:
    return "".join(f'{{"text": "mot {number * 7919 % 104729}"}}\n' for number in range(50_000)).encode()


@pytest.mark.parametrize("ending", PACKED)
def test_rows_before_a_cut_are_kept(tmp_path: Path, ending: str) -> None:
    packed = PACKED[ending](long_feed())
    path = put(tmp_path / f"x.jsonl{ending}", packed[: len(packed) // 2])
    good = put(tmp_path / "y.txt", b"bon")
    items = list(read_articles([path, good]))
    assert [item.id for item in items[:3]] == [f"{path.name}:{row}" for row in (1, 2, 3)]
    assert len(items) > 500
    (bad,) = (item for item in items if isinstance(item, Unreadable))
    assert items[-2] is bad
    assert bad.place == str(path)
    assert "data are damaged or cut off after" in bad.reason
    assert items[-1].id == "y.txt"


@pytest.mark.parametrize("ending", PACKED)
@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x.txt", "x.html"])
def test_what_is_not_packed_at_all_is_listed(tmp_path: Path, name: str, ending: str) -> None:
    put(tmp_path / f"{name}{ending}", b"<!doctype html><p>404</p>" * 10)
    put(tmp_path / "y.txt", b"bon")
    assert [item.id for item in read_articles([tmp_path])] == [f"{name}{ending}", "y.txt"]
    (reason,) = faults(tmp_path).values()
    assert "data are damaged or cut off after 0 unpacked bytes" in reason


def test_damaged_archives_and_members_are_listed_and_stop_no_other(tmp_path: Path) -> None:
    whole = archive(tmp_path / "0.zip", {"a.txt": b"un", "b.jsonl": long_feed(), "c.txt": b"trois"}).read_bytes()
    (tmp_path / "0.zip").unlink()
    cut = put(tmp_path / "1-cut.zip", whole[: len(whole) // 2])
    none = put(tmp_path / "2-none.zip", b"<!doctype html><p>404</p>")
    at = len(whole) // 2
    holed = put(tmp_path / "3-holed.zip", whole[:at] + b"\xff" * 64 + whole[at + 64 :])
    put(tmp_path / "4.txt", b"fin")
    items = list(read_articles([tmp_path]))
    good = [item.id for item in items if isinstance(item, Article)]
    assert good[:2] == ["3-holed.zip/a.txt", "3-holed.zip/b.jsonl:1"]
    assert good[-2:] == ["3-holed.zip/c.txt", "4.txt"]
    found = faults(tmp_path)
    broken = f"{holed}/b.jsonl"
    whole_file = {place: reason for place, reason in found.items() if not place.startswith(f"{broken}:")}
    assert list(whole_file) == [str(cut), str(none), broken]
    assert whole_file[str(cut)] == "the file cannot be read (the archive is damaged or cut off)"
    assert "zip data are damaged or cut off after" in whole_file[broken]
    assert list(faults(cut)) == [str(cut)]


def test_an_encrypted_member_is_listed(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", {"a.txt": b"un", "b.jsonl": b'{"text": "deux"}', "c.csv": b"text\ntrois\n"})
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + place] |= 1
    path.write_bytes(content)
    assert faults(path) == {
        f"{path}/{name}": "the file cannot be read (it is encrypted)" for name in ("a.txt", "b.jsonl", "c.csv")
    }


def test_an_archive_of_many_members_takes_little_memory(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", {f"{number:05}.txt": b"mot" for number in range(1000)})
    tracemalloc.start()
    try:
        assert sum(isinstance(item, Article) for item in read_articles([path])) == 1000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ending", PACKED)
def test_a_large_packed_table_is_never_held_whole(tmp_path: Path, ending: str) -> None:
    rows = 2000
    path = put(tmp_path / f"x.csv{ending}", PACKED[ending](b"text,id\n" + (b"mot " * 1000 + b",\n") * rows))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_articles([path])) == rows
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def bomb(head: bytes, filling: bytes, megabytes: int) -> Iterator[bytes]:
    yield head
    for _ in range(megabytes):
        yield filling * (1_000_000 // len(filling))


def write_bomb(path: Path, pieces: Iterator[bytes]) -> Path:
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as stream:
        for piece in pieces:
            stream.write(piece)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "head", "filling", "good", "reason"),
    [
        (
            "x.jsonl",
            b'{"text": "bon"}\n',
            b"\0",
            1,
            "the line is longer than 50,000,000 characters; the rest is not read",
        ),
        ("x.csv", b"text\nbon\n", b"a", 1, "the line is longer than 50,000,000 characters; the rest is not read"),
        (
            "x.jsonl",
            b'{"text": "bon"}\n',
            b"\n",
            1,
            "more than 10,000,000 blank characters in a row; the rest is not read",
        ),
        ("x.csv", b"text\nbon\n", b"\n", 1, "more than 10,000,000 blank characters in a row; the rest is not read"),
        ("x.txt", b"bon", b"a", 0, "it has more than 50,000,000 bytes, which is the most that is read"),
        ("x.html", b"<p>", b"a", 0, "it has more than 10,000,000 bytes, which is the most that is read"),
    ],
)
def test_a_bomb_is_read_no_further_than_its_limit(
    tmp_path: Path, name: str, head: bytes, filling: bytes, good: int, reason: str
) -> None:
    # 1.5 GB unpacked.
    path = write_bomb(tmp_path / f"{name}.zst", bomb(head, filling, 1500))
    *items, last = read_articles([path])
    assert len(items) == good
    assert isinstance(last, Unreadable)
    assert last.reason == reason
