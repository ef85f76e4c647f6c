"""Stages work at the same time, keep the order, stay bounded, and pass on what goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from fimiscope.predict.stages import ahead


def test_the_order_is_kept_through_several_stages() -> None:
    doubled = (2 * number for number in ahead(iter(range(1000)), 3))
    assert list(ahead(doubled, 2)) == list(range(0, 2000, 2))


def test_a_stage_is_no_further_ahead_than_it_may_be() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    stage = ahead(numbers(), 4)
    next(stage)
    time.sleep(0.5)
    # One is out, four wait, one is in the stage's hands.
    assert len(made) == 6
    stage.close()


def test_what_a_stage_raises_is_raised_where_its_items_are_taken() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise OSError(28, "No space left on device")

    stage = ahead(ahead(numbers(), 2), 2)
    assert next(stage) == 1
    with pytest.raises(OSError, match="No space left"):
        next(stage)


def test_closing_the_last_stage_stops_all_before_it() -> None:
    closed = threading.Event()

    def numbers() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed.set()

    stage = ahead(ahead(numbers(), 2), 2)
    assert next(stage) == 0
    stage.close()
    assert closed.wait(5)


def test_two_stages_take_the_time_of_one() -> None:
    def slowly(numbers: Iterator[int]) -> Iterator[int]:
        for number in numbers:
            time.sleep(0.05)
            yield number

    began = time.monotonic()
    assert list(slowly(ahead(slowly(iter(range(20))), 2))) == list(range(20))
    assert time.monotonic() - began < 1.6
