"""Fitting encoder and heads with the Hugging Face Trainer."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from fimiscope.config import TrainingConfig
from fimiscope.errors import ConfigError
from fimiscope.progress import Progress
from fimiscope.training.processes import is_alone, is_main

if TYPE_CHECKING:
    from datasets import Dataset

HEADS_EVALUATED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        number: from 1.
        step: optimiser steps so far.
        train_loss: mean over the epoch's steps.
        valid_loss: over the validation part.
        valid_logits: raw logits of the validation articles, shape (articles, labels).
    """

    number: float
    step: int
    train_loss: float
    valid_loss: float
    valid_logits: npt.NDArray[np.float32]


Listener = Callable[[Epoch], None]
Batches = Callable[[Sequence[dict[str, int]]], dict[str, Tensor]]


def fit_in_one_go(
    model: nn.Module,
    collator: Batches,
    train: Dataset,
    valid: Dataset,
    config: TrainingConfig,
    *,
    seed: int,
    progress: Progress,
) -> None:
    """Train as `fit` does, with nobody listening and nothing left to resume from."""
    with TemporaryDirectory() as folder:
        fit(
            model,
            collator,
            train,
            valid,
            config,
            seed=seed,
            folder=Path(folder) / "checkpoints",
            resume=False,
            listener=lambda epoch: None,
            progress=progress,
        )


def fit(
    model: nn.Module,
    collator: Batches,
    train: Dataset,
    valid: Dataset,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    resume: bool,
    listener: Listener,
    progress: Progress,
) -> None:
    """Train `model` in place and leave it at its best epoch by validation loss.

    `collator` makes batches of the rows of the tables `train` and `valid`, which say in a column `length` how long each
    is; `model` gives the `loss` of a batch, its `logits`, and the number of each of its rows (`row`).

    Checkpoints go to `folder`. On Ctrl-C the step is finished, a checkpoint is written, and KeyboardInterrupt is
    raised; `resume=True` goes on from there. After a whole run the folder is removed.
    """
    if is_alone() and torch.cuda.device_count() > 1:
        raise ConfigError(
            "several GPUs need several processes: torchrun --nproc_per_node 2 -m fimiscope train …, "
            "or show one GPU with CUDA_VISIBLE_DEVICES=0"
        )
    logits = _LatestLogits()
    trainer = _Trainer(
        model=model,
        args=_arguments(config, seed, folder),
        train_dataset=train,
        eval_dataset=valid,
        data_collator=collator,
        compute_metrics=logits.keep,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=config.patience), _Facts(listener, progress, logits)],
    )
    trainer.rates = (config.learning_rate, config.head_learning_rate)
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    checkpoint = get_last_checkpoint(str(folder)) if resume and folder.is_dir() else None  # type: ignore[no-untyped-call]
    if checkpoint is None and is_main():
        shutil.rmtree(folder, ignore_errors=True)
    with _stop_after_this_step() as stop:
        trainer.add_callback(stop)
        trainer.train(resume_from_checkpoint=checkpoint)
    if stop.asked:
        raise KeyboardInterrupt
    if is_main():
        shutil.rmtree(folder, ignore_errors=True)


def _arguments(config: TrainingConfig, seed: int, folder: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        max_steps=config.most_steps or -1,
        per_device_train_batch_size=config.batch,
        per_device_eval_batch_size=HEADS_EVALUATED_AT_ONCE if config.trainable_layers == 0 else config.batch,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="epoch",
        # With 1, the Trainer ends by deleting all but the best checkpoint, and a stopped run goes on from the latest.
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        train_sampling_strategy="group_by_length",
        label_names=["values"],
        remove_unused_columns=False,
        seed=seed,
        data_seed=seed,
        bf16=config.precision == "bf16",
        fp16=config.precision == "fp16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        log_level="error",
        report_to="none",
    )


class _Trainer(Trainer):
    """The Trainer with one learning rate for the encoder and one for the heads."""

    rates: tuple[float, float]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            network = model or self.model
            assert network is not None
            decayed = set(self.get_decay_parameter_names(network))
            groups = []
            for heads, rate in enumerate(self.rates):
                for decay in (True, False):
                    chosen = [
                        parameter
                        for name, parameter in network.named_parameters()
                        if parameter.requires_grad
                        and bool(heads) == _belongs_to_heads(name)
                        and decay == (name in decayed)
                    ]
                    if chosen:
                        groups.append({"params": chosen, "lr": rate, "weight_decay": self.args.weight_decay * decay})
            self.optimizer = torch.optim.AdamW(groups, lr=self.rates[0])
        return self.optimizer


def _belongs_to_heads(name: str) -> bool:
    return name.removeprefix("module.").startswith("heads.")


class _LatestLogits:
    """Keeps the logits of the latest evaluation out of the Trainer's log, which has room for numbers alone.

    The Trainer evaluates articles by length; here they stand in the order of the table again.
    """

    values: npt.NDArray[np.float32]

    def keep(self, prediction: EvalPrediction) -> dict[str, float]:
        logits, rows = tuple(prediction.predictions)
        self.values = np.asarray(logits, dtype=np.float32)[np.argsort(rows)]
        return {}


class _Facts(TrainerCallback):
    """Tells listener and progress what happens."""

    def __init__(self, listener: Listener, progress: Progress, logits: _LatestLogits) -> None:
        self._listener = listener
        self._logits = logits
        self._progress = progress
        self._train_loss = float("nan")

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        self._progress("training", state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:  # noqa: ARG002
        self._train_loss = float((logs or {}).get("loss", self._train_loss))

    def on_evaluate(self, args: Any, state: TrainerState, control: Any, **facts: Any) -> None:  # noqa: ARG002
        loss = float(facts["metrics"]["eval_loss"])
        self._listener(Epoch(float(state.epoch or 0), state.global_step, self._train_loss, loss, self._logits.values))


class _Stop(TrainerCallback):
    """Ends training with a checkpoint once it is asked to."""

    asked = False

    def on_step_end(self, args: Any, state: Any, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        if self.asked:
            control.should_save = True
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        # An epoch cut short is no epoch: whoever stops a run waits for no measuring.
        if self.asked and state.epoch % 1:
            control.should_evaluate = control.should_log = False


@contextmanager
def _stop_after_this_step() -> Iterator[_Stop]:
    stop = _Stop()

    def ask(*_: object) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    try:
        former = signal.signal(signal.SIGINT, ask)
    except ValueError:
        # Signals belong to the main thread; elsewhere the caller decides how training is stopped.
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, former)
