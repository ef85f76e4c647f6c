"""One config trained from several seeds: how much of a figure is luck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import ConfigError
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.means import means
from fimiscope.pipeline import EpochListener, train_or_measure
from fimiscope.progress import Progress, silent
from fimiscope.tables import Table
from fimiscope.tracking.parent_run import Place, parent_run


@dataclass(frozen=True, slots=True)
class Seeds:
    """What the seeds of one config have come to.

    Attributes:
        run_id: of the MLflow run above those of the seeds.
        measured: each seed's model on the test part.
        folders: of the seeds' bundles.
        reused: seeds whose bundles were there already.
    """

    run_id: str
    measured: dict[int, Evaluation]
    folders: tuple[Path, ...]
    reused: tuple[int, ...]

    def table(self) -> Table:
        """One row a seed, then their mean and standard deviation."""
        figures = {str(seed): [one.metrics] for seed, one in self.measured.items()}
        figures["mean"] = [one.metrics for one in self.measured.values()]
        found = {title: means(models) for title, models in figures.items()}
        rows = [(title, *(str(own.get(name, "–")) for name in HEADLINES)) for title, own in found.items()]
        texts = len(next(iter(self.measured.values())).judged)
        title = f"{len(self.measured)} seeds on the held-out part ({texts} texts)"
        return Table(title, ("seed", *HEADLINES.values()), tuple(rows), "± standard deviation of the seeds")


def with_seed(config: Config, seed: int) -> Config:
    """The config of one seed among several: its bundle and run have a name of their own."""
    return config.model_copy(update={"seed": seed, "name": f"{config.name}-seed-{seed}"})


def train_seeds(
    config: Config,
    seeds: Sequence[int],
    *,
    corpus: Corpus,
    models: Path | str = "models",
    resume: bool = False,
    progress: Progress = silent,
    on_seed: Callable[[int], None] = lambda seed: None,
    on_epoch: EpochListener = lambda number, figures: None,
) -> Seeds:
    """Train the config from each seed, and log the runs below one that holds their means.

    A sealed bundle `<models>/<name>-seed-<seed>` of the same config and corpus is measured, not trained again.

    Args:
        corpus: the config's; its parts are the same for every seed.
        resume: go on from the checkpoints that an interrupted call left.
        on_seed: told each seed before it is trained.

    Raises:
        ConfigError: a seed is given twice, or the process shares its work with others.
        FimiscopeError: as `train`.
    """
    from fimiscope.training.processes import is_alone

    if len(set(seeds)) < len(seeds):
        raise ConfigError("a seed is given twice: its bundles would lie in one folder")
    if not is_alone():
        raise ConfigError("several seeds are trained in one process: start the command without torchrun")
    measured: dict[int, Evaluation] = {}
    reused: list[int] = []
    with parent_run(config, "seeds", list(map(str, seeds)), corpus=corpus) as parent:
        for seed in seeds:
            on_seed(seed)
            own = with_seed(config, seed)
            evaluation, was_there = train_or_measure(
                own,
                models=models,
                corpus=corpus,
                place=Place(parent.run_id, own.name, {"seed": str(seed)}),
                resume=resume,
                progress=progress,
                on_epoch=on_epoch,
            )
            measured[seed] = evaluation
            reused += [seed] * was_there
        parent.finish({str(seed): one for seed, one in measured.items()}, "seeds", list(map(str, reused)))
    folders = tuple(Path(models) / with_seed(config, seed).name for seed in seeds)
    return Seeds(parent.run_id, measured, folders, tuple(reused))
