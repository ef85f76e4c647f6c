"""What self-contained pages share: data that stays data, and a policy that lets only the page's own code run."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

# Marks that could end the script element they stand in, or that older scripts take for line ends.
_UNSAFE = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def json_for_script(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).translate(_UNSAFE)


def policy_hash(source: str) -> str:
    """A source of a content security policy that allows exactly this script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"
