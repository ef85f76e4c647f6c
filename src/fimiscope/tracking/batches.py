"""A scored batch in MLflow: counts, languages and their shift, a sample of the flags, and where the verdicts are."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from fimiscope.bundle import Bundle
from fimiscope.checksums import sha256_of_file
from fimiscope.errors import TrackingError
from fimiscope.predict.standing import Standing
from fimiscope.predict.summary import BatchSummary, shares, shift
from fimiscope.records import OUTCOMES, Verdict
from fimiscope.tracking.store import connect, experiment_id, shown, tracking_uri

EXPERIMENT = "fimiscope-batches"
SAMPLES = "flagged_samples.json"
LANGUAGES = "languages.json"
_LONGEST_PARAMETER = 6000


def log_batch(
    summary: BatchSummary, bundle: Bundle, output: Path, *, standing: Standing, parameters: Mapping[str, object]
) -> str:
    """Log a batch that is done as a run of the experiment `fimiscope-batches`; the run's id.

    Words of articles are logged only if the config that the bundle was trained by lets words be logged
    (`tracking.texts`). Call `store.connect` before the scoring, so that a store that is not there is found out first.

    Args:
        output: the file of verdicts; its name and checksum are logged, not its content.
        standing: of the bulk run at its end.
        parameters: of the command.

    Raises:
        TrackingError: the store cannot be reached; `output` is there.
    """
    client = connect()
    import mlflow
    import yaml
    from mlflow.entities import Metric, Param, RunTag
    from sqlalchemy.exc import SQLAlchemyError

    try:
        now = round(time.time() * 1000)
        started = now - round(standing.seconds * 1000)
        run = client.create_run(experiment_id(client, EXPERIMENT), run_name=output.name, start_time=started)
        run_id: str = run.info.run_id
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, now, 0) for name, value in batch_metrics(summary, bundle, standing).items()],
            params=[Param(name, str(value)[:_LONGEST_PARAMETER]) for name, value in parameters.items()],
            tags=[RunTag(name, value) for name, value in _tags(bundle, output).items()],
        )
        client.log_table(run_id, language_columns(summary, bundle), LANGUAGES)
        words = bool(yaml.safe_load(bundle.config)["tracking"]["texts"])
        client.log_table(run_id, sample_columns(summary, words=words), SAMPLES)
        client.set_terminated(run_id)
    except (mlflow.MlflowException, SQLAlchemyError, OSError) as error:
        raise TrackingError(
            f"{output} is written, but the batch could not be logged to {shown(tracking_uri())} "
            f"({type(error).__name__})"
        ) from error
    return run_id


def batch_metrics(summary: BatchSummary, bundle: Bundle, standing: Standing) -> dict[str, float]:
    """The figures of a batch. Shares are of all articles; languages of those that could be read.

    Articles a second are those of the last call, where a run was interrupted.
    """
    figures: dict[str, float] = {f"articles/{outcome}": summary.outcomes[outcome] for outcome in OUTCOMES}
    figures["articles/all"] = summary.articles
    figures |= {f"share/{outcome}": summary.share(outcome) for outcome in OUTCOMES}
    if summary.gated is not None:
        figures["articles/gated"] = summary.gated
        figures["share/gated"] = summary.gated / summary.articles if summary.articles else 0.0
    figures["articles_per_second"] = standing.articles_per_second
    mix = summary.language_shares()
    figures |= {f"language/{language}": share for language, share in mix.items()}
    if mix and bundle.languages is not None:
        figures["language_shift"] = shift(mix, shares(bundle.languages))
    return figures


def language_columns(summary: BatchSummary, bundle: Bundle) -> dict[str, list[Any]]:
    """Languages of the batch beside those of the training texts; `None` where the bundle does not know them."""
    here = summary.language_shares()
    there = None if bundle.languages is None else shares(bundle.languages)
    names = [*here, *(name for name in there or {} if name not in here)]
    return {
        "language": names,
        "articles": [summary.languages[name] for name in names],
        "share": [here.get(name, 0.0) for name in names],
        "training_share": [None if there is None else there.get(name, 0.0) for name in names],
    }


def sample_columns(summary: BatchSummary, *, words: bool) -> dict[str, list[Any]]:
    """Some of the flagged articles; titles and the text of the evidence only with `words`."""
    samples = summary.samples
    return {
        "id": [one.id for one in samples],
        "flag_probability": [one.flag_probability for one in samples],
        "role_label": [one.role_label for one in samples],
        "narratives_flagged": ["; ".join(one.narratives_flagged or ()) for one in samples],
        "evidence": [json.dumps(_evidence(one, words), ensure_ascii=False) for one in samples],
        "language": [one.language for one in samples],
        "title": [one.article.get("title") if words else None for one in samples],
        **{name: [one.article.get(name) for one in samples] for name in ("url", "outlet", "published")},
    }


def _evidence(verdict: Verdict, words: bool) -> list[dict[str, Any]]:
    pieces = [asdict(piece) for piece in verdict.evidence or ()]
    return pieces if words else [{key: piece[key] for key in piece if key != "text"} for piece in pieces]


def _tags(bundle: Bundle, output: Path) -> dict[str, str]:
    return {
        **{f"model.{name}": value for name, value in bundle.identity.items() if name != "codebook"},
        "codebook": bundle.manifest.codebook,
        "output": output.name,
        "output.sha256": sha256_of_file(output),
        "training_languages": "known" if bundle.languages is not None else "unknown",
        "version.fimiscope": metadata.version("fimiscope"),
    }
