"""SHA-256 of texts and files, in hexadecimal."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of_text(text: str) -> str:
    """Of the text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def short_digest(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the text: names it in lists of texts."""
    return sha256_of_text(text)[:16]


def sha256_of_file(path: Path) -> str:
    """Of the file's bytes, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
