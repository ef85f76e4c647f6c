from __future__ import annotations

import pytest

from fimiscope.tracking.parent_run import mean_figures


def test_figures_are_averaged_over_the_children_that_have_them() -> None:
    figures = mean_figures([{"test/a": 0.2, "test/b": 1.0}, {"test/a": 0.6}])
    assert figures["children"] == 2
    assert figures["test/a"] == pytest.approx(0.4)
    assert figures["std/test/a"] == pytest.approx(0.08**0.5)
    assert (figures["test/b"], figures["children/test/b"]) == (1.0, 1)
    assert not {"std/test/b", "children/test/a"} & figures.keys()
