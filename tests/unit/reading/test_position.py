"""How far the reading is: from the bytes on the disk, whatever they are packed in."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimiscope.reading import Position, read_articles

ROWS = [{"id": f"a{n}", "text": f"{n} " + "The market of Kolo opened. " * 50} for n in range(2000)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def shares(position: Position, path: Path) -> list[float]:
    found = []
    for _ in read_articles([path], position=position):
        share = position.share
        assert share is not None
        found.append(share)
    return found


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet"])
def test_the_share_grows_from_nothing_to_all(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"feed.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=100)
    else:
        path.write_bytes(gzip.compress(LINES) if kind.endswith("gz") else LINES)
    position = Position()
    found = shares(position, path)
    assert found == sorted(found)
    assert position.share == 1
    if kind != "jsonl.gz":
        assert found[0] < 0.2
        assert 0.3 < found[1000] < 0.8


def test_files_and_members_of_archives_count_by_their_size(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"{number}.txt", f"{number} The market of Kolo opened on a Monday.")
    found = shares(Position(), tmp_path / "a.zip")
    assert found == pytest.approx([0, 0.25, 0.5, 0.75], abs=0.01)


def test_nobody_knows_how_long_standard_input_is() -> None:
    position = Position()
    items = list(read_articles(["-"], stdin=io.BytesIO(LINES), position=position))
    assert len(items) == len(ROWS)
    assert position.share is None
