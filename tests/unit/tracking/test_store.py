"""No address gives a password away."""

from __future__ import annotations

import os

import pytest

from fimiscope.errors import TrackingError
from fimiscope.tracking.store import is_local, reported, shown, tracking_uri, use_local_store


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://reader:geheim@example.org/runs", "https://***@example.org/runs"),
        ("https://geheim@example.org/runs.git", "https://***@example.org/runs.git"),
        (
            "postgresql://reader:geh@im@example.org:5432/runs?password=geheim",
            "postgresql://***@example.org:5432/runs?***",
        ),
        ("postgresql:///runs?user=reader&password=geheim", "postgresql:///runs?***"),
        ("git@example.org:team/fimiscope.git", "git@example.org:team/fimiscope.git"),
        ("sqlite:////tmp/a place/mlflow.db", "sqlite:////tmp/a place/mlflow.db"),
        ("http://[geheim", "http://***"),
        ("postgresql://reader:ge/heim@example.org/runs", "postgresql://***"),
        ("postgresql://reader:ge?heim@example.org/runs", "postgresql://***"),
        ("postgresql://reader:ge#heim@example.org/runs", "postgresql://***"),
        ("postgresql://reader:g@e/heim@example.org/runs", "postgresql://***"),
    ],
)
def test_an_address_is_shown_without_what_may_hold_a_password(address: str, seen: str) -> None:
    assert shown(address) == seen


@pytest.mark.parametrize(
    ("code", "cause"), [(401, "it refuses the user or password"), (403, "this user may not do that there")]
)
def test_a_wrong_password_and_a_missing_permission_are_told_apart(code: int, cause: str) -> None:
    from mlflow import MlflowException

    with pytest.raises(TrackingError, match=cause), reported("nothing can be logged"):
        raise MlflowException(f"API request to endpoint /api/2.0/mlflow/runs/create failed with error code {code}")


def test_offline_forgets_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    use_local_store()
    assert is_local()
    assert tracking_uri().startswith("sqlite:///")
    assert "MLFLOW_TRACKING_URI" not in os.environ
