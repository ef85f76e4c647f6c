"""A model named by the tracking store gives what its bundle folder gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fimiscope.errors import BundleError, TrackingError
from fimiscope.tracking.registry import bundle_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from conftest import Trained, Workplace

FEED = Path(__file__).parents[2] / "data" / "sample" / "inbox" / "feed.jsonl"
# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


@pytest.fixture
def champion(tracked_here: MlflowClient) -> str:
    tracked_here.set_registered_model_alias("fimiscope", "champion", "1")
    return "models:/fimiscope@champion"


def test_folder_alias_and_run_give_the_same_bytes(workplace: Workplace, trained: Trained, champion: str) -> None:
    outputs = []
    for number, model in enumerate((str(trained.folder), champion, f"runs:/{trained.run_id}")):
        output = workplace.folder / f"by-reference-{number}.jsonl"
        done = workplace.run("predict", FEED, "--model", model, "--output", output)
        assert done.stderr == ""
        outputs.append(output.read_bytes())
    assert outputs[0].count(b"\n") == 5
    assert outputs[1] == outputs[0]
    assert outputs[2] == outputs[0]


def test_a_local_store_is_read_in_place(workplace: Workplace, trained: Trained, champion: str) -> None:
    for model in (champion, "models:/fimiscope/1", f"runs:/{trained.run_id}", f"runs:/{trained.run_id}/model"):
        assert bundle_folder(model).is_relative_to(workplace.folder / "mlruns"), model


def test_the_pyfunc_model_gives_the_same_scores(workplace: Workplace, trained: Trained, champion: str) -> None:
    import mlflow
    import pandas as pd

    from fimiscope.predict import Predictor
    from fimiscope.reading import read_articles
    from fimiscope.records import Article

    articles = [item for item in read_articles([FEED]) if isinstance(item, Article)]
    expected = list(Predictor.load(trained.folder).predict(articles))
    mlflow.set_tracking_uri(workplace.store)
    model = mlflow.pyfunc.load_model(champion)
    frame = pd.DataFrame([{"text": a.text, "title": a.title, "id": a.id} for a in articles])
    given = model.predict(frame)
    assert given["id"].tolist() == [verdict.id for verdict in expected]
    assert given["flag_probability"].tolist() == [verdict.flag_probability for verdict in expected]
    assert given["role_label"].tolist() == [verdict.role_label for verdict in expected]
    texts_alone = model.predict(frame[["text"]])
    assert texts_alone["id"].tolist() == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("models:/fimiscope@nobody", "alias nobody not found"),
        ("models:/fimiscope/99", "version=99) not found"),
        ("models:/elsewhere/1", "name=elsewhere"),
        ("models:/fimiscope", "write models:/<name>@<alias>"),
        ("models:/", "write models:/<name>@<alias>"),
        ("runs:/0123456789abcdef0123456789abcdef", "0123456789abcdef not found"),
    ],
)
def test_what_the_store_does_not_know_is_said_in_one_line(tracked_here: MlflowClient, model: str, said: str) -> None:
    with pytest.raises(TrackingError) as raised:
        bundle_folder(model)
    message = str(raised.value)
    assert message.startswith(f"model {model} ")
    assert said in message
    assert "\n" not in message


def test_a_run_without_a_bundle_is_said_to_be_one(tracked_here: MlflowClient) -> None:
    experiment = tracked_here.get_experiment_by_name("fimiscope")
    assert experiment is not None
    bare = tracked_here.create_run(experiment.experiment_id).info.run_id
    tracked_here.set_terminated(bare, "FAILED")
    with pytest.raises(BundleError, match="that run published no bundle"):
        bundle_folder(f"runs:/{bare}")


def test_the_command_refuses_an_unknown_alias_in_one_line(workplace: Workplace, trained: Trained) -> None:
    output = workplace.folder / "never.jsonl"
    line = workplace.refusal("predict", FEED, "--model", "models:/fimiscope@nobody", "--output", output)
    assert line.startswith("fimiscope: model models:/fimiscope@nobody is not in the store sqlite:///")
    assert not output.exists()


def test_where_no_store_is_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrackingError, match=r"there is no mlflow\.db in"):
        bundle_folder("models:/fimiscope@champion")
    assert not list(tmp_path.iterdir())
