"""YAML files that a user may write: read, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fimiscope.errors import FimiscopeError


def read_yaml(path: Path, what: str, error: type[FimiscopeError]) -> Any:
    """The document in a file; `what` names the kind of file in messages.

    Raises:
        FimiscopeError: of the class `error`: the file is missing, unreadable, no UTF-8 text or not YAML.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise error(f"{what} {path}: {fault.strerror}") from fault
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise error(f"{what} {path} is not valid YAML: {' '.join(str(fault).split())}") from fault
