"""Tables of word vectors in 4-bit blocks."""

from __future__ import annotations

import numpy as np
import pytest

from fimiscope.bundle.blocks import four_bit_blocks


@pytest.mark.parametrize("columns", [32, 33])
def test_a_table_without_blocks_has_none(columns: int) -> None:
    assert four_bit_blocks(np.random.default_rng(1).normal(size=(8, columns)).astype(np.float32)) is None
