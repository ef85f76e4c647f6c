"""The files of a queue."""

from __future__ import annotations

import json
from pathlib import Path

from fimiscope.output_files import write_whole
from fimiscope.review.label_studio import interface, tasks
from fimiscope.review.page import queue_page
from fimiscope.review.queue import Queue


def write_queue(queue: Queue, folder: Path, *, show_model: bool) -> list[Path]:
    """Write the page, the tasks for Label Studio and its interface into a folder; gives their paths.

    Raises:
        OutputError: one cannot be written.
    """
    contents = {
        "queue.html": queue_page(queue, show_model=show_model),
        "queue.json": json.dumps(tasks(queue, show_model=show_model), ensure_ascii=False, indent=1) + "\n",
        "label-studio.xml": interface(queue.codebook),
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    return [folder / name for name in contents]
