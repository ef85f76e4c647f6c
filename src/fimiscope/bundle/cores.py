"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_TOPOLOGY = Path("/sys/devices/system/cpu")


def usable_cores() -> int:
    """Physical cores that the process is let run on, no more than its control group's share of time; at least 1."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})
    return max(1, min(cores, _quota() or cores))


def _siblings(cpu: int) -> str:
    """Names the physical core of a logical one: the logical cores on it, where the system tells them."""
    path = _TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list"
    return path.read_text(encoding="ascii").strip() if path.is_file() else str(cpu)


def _quota() -> int | None:
    """Whole cores that the control group (version 2) pays for, rounded up; none where it sets no bound."""
    if not _QUOTA.is_file():
        return None
    share, period = _QUOTA.read_text(encoding="ascii").split()
    return None if share == "max" else math.ceil(int(share) / int(period))
