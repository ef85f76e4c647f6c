"""Training tests keep torch on one core."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_core(torch_on_one_core: None) -> None:
    """See `torch_on_one_core`."""
