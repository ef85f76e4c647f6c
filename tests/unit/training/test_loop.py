"""The loop: facts are told, a stop leaves a checkpoint, and going on from it ends where an unbroken run ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fimiscope.bundle.windows import WindowLayout
from fimiscope.codebook import Codebook
from fimiscope.config import TrainingConfig
from fimiscope.corpus import Corpus
from fimiscope.training.batches import Collator, Prepared, prepare, training_table
from fimiscope.training.encoders import resolve
from fimiscope.training.loop import Epoch, fit
from fimiscope.training.loss import LossWeights
from fimiscope.training.model import ArticleClassifier, WholeEncoder

LAYOUT = WindowLayout(size=32, overlap=0, most=1, before=(1,), after=(2,), pad=0)
TEXTS = 9
CONFIG = TrainingConfig(
    trainable_layers="all", epochs=3, batch=3, learning_rate=1e-3, head_learning_rate=1e-2, head_epochs=0
)
Stop = Callable[[str, int, int], None]


@pytest.fixture(scope="module")
def prepared(tiny_corpus: Corpus, codebook: Codebook) -> Prepared:
    return prepare(tiny_corpus.examples[:TEXTS], resolve("tiny").tokenizer(), LAYOUT, codebook)


def run(
    prepared: Prepared,
    codebook: Codebook,
    folder: Path,
    *,
    config: TrainingConfig = CONFIG,
    resume: bool = False,
    progress: Stop = lambda *fact: None,
    interrupted: bool = False,
) -> tuple[ArticleClassifier, list[Epoch]]:
    torch.manual_seed(13)
    model = ArticleClassifier(
        WholeEncoder(resolve("tiny").model()), 32, codebook.heads(), LossWeights(torch.ones(18), 0.5)
    )
    epochs: list[Epoch] = []
    table = training_table(prepared, range(TEXTS))
    facts = {"seed": 13, "folder": folder, "resume": resume, "listener": epochs.append, "progress": progress}
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            fit(model, Collator(prepared, 0), table, table, config, **facts)
    else:
        fit(model, Collator(prepared, 0), table, table, config, **facts)
    return model, epochs


def interrupt_at(step: int) -> Stop:
    def listen(stage: str, done: int, total: int) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return listen


def test_every_epoch_is_told(prepared: Prepared, codebook: Codebook, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    _, epochs = run(prepared, codebook, tmp_path / "c", progress=lambda *fact: told.append(fact))
    assert [(epoch.number, epoch.step) for epoch in epochs] == [(1, 3), (2, 6), (3, 9)]
    assert told == [("training", step, 9) for step in range(1, 10)]
    assert epochs[-1].valid_loss < epochs[0].valid_loss
    assert not (tmp_path / "c").exists()


def test_logits_stand_in_the_order_of_the_table(prepared: Prepared, codebook: Codebook, tmp_path: Path) -> None:
    model, epochs = run(prepared, codebook, tmp_path / "c")
    best = min(epochs, key=lambda epoch: epoch.valid_loss)
    with torch.inference_mode():
        expected = model.eval()(**Collator(prepared, 0)([{"row": row} for row in range(TEXTS)]))["logits"]
    torch.testing.assert_close(torch.from_numpy(best.valid_logits), expected, atol=1e-4, rtol=0)


def test_training_stops_after_the_wanted_steps(prepared: Prepared, codebook: Codebook, tmp_path: Path) -> None:
    _, epochs = run(prepared, codebook, tmp_path / "c", config=CONFIG.model_copy(update={"most_steps": 2}))
    assert epochs[-1].step == 2


def test_training_stops_when_validation_gets_no_better(prepared: Prepared, codebook: Codebook, tmp_path: Path) -> None:
    wild = CONFIG.model_copy(update={"learning_rate": 0.5, "head_learning_rate": 0.5, "epochs": 12, "patience": 1})
    _, epochs = run(prepared, codebook, tmp_path / "c", config=wild)
    assert len(epochs) < 12


def test_a_run_that_is_resumed_ends_where_an_unbroken_one_ends(
    prepared: Prepared, codebook: Codebook, tmp_path: Path
) -> None:
    whole, epochs = run(prepared, codebook, tmp_path / "whole")
    folder = tmp_path / "broken"
    before = signal.getsignal(signal.SIGINT)
    run(prepared, codebook, folder, progress=interrupt_at(3), interrupted=True)
    assert [path.name for path in folder.iterdir()] == ["checkpoint-3"]
    assert signal.getsignal(signal.SIGINT) is before
    resumed, rest = run(prepared, codebook, folder, resume=True)
    assert [epoch.step for epoch in rest] == [6, 9]
    assert rest[-1].valid_loss == pytest.approx(epochs[-1].valid_loss, abs=1e-5)
    for name, values in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], values, atol=1e-5, rtol=0)
    assert not folder.exists()


def test_a_run_that_is_stopped_within_an_epoch_goes_on_from_there(
    prepared: Prepared, codebook: Codebook, tmp_path: Path
) -> None:
    _, epochs = run(prepared, codebook, tmp_path / "broken", progress=interrupt_at(5), interrupted=True)
    assert [epoch.step for epoch in epochs] == [3], "an epoch cut short is not measured"
    assert (tmp_path / "broken" / "checkpoint-5").is_dir()
    told: list[int] = []
    _, rest = run(
        prepared, codebook, tmp_path / "broken", resume=True, progress=lambda stage, done, total: told.append(done)
    )
    assert told == [6, 7, 8, 9]
    assert [epoch.step for epoch in rest] == [6, 9]
    assert rest[-1].valid_loss < epochs[0].valid_loss


def test_without_resume_an_old_checkpoint_is_forgotten(prepared: Prepared, codebook: Codebook, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    run(prepared, codebook, folder, progress=interrupt_at(3), interrupted=True)
    _, epochs = run(prepared, codebook, folder)
    assert [epoch.step for epoch in epochs] == [3, 6, 9]
