"""The several processes of one training run, as torchrun starts them."""

from __future__ import annotations

import os
import sys


def is_main() -> bool:
    """Whether this process logs, exports and prints; the others only share the work of the steps."""
    return int(os.environ.get("RANK", "0")) == 0


def is_alone() -> bool:
    """Whether this process trains by itself."""
    return int(os.environ.get("WORLD_SIZE", "1")) == 1


def leave() -> None:
    """Close the process group that the Trainer opened, if it did."""
    if "torch" not in sys.modules:
        return
    import torch.distributed as group

    if group.is_available() and group.is_initialized():
        group.destroy_process_group()
