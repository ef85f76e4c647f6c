"""What fewer encoder layers save and lose: `PYTHONPATH=tests python -m benchmark.layers --model FOLDER --layers 6`.

The upper layers of a trained bundle are dropped, and heads, calibration and thresholds are fitted anew on what is left,
on the parts of the corpus that the bundle's own config makes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.precision import Form, cost_table, score_in_turn
from fimiscope import Predictor
from fimiscope.bundle import files
from fimiscope.cli.show import progress, show_table
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.evaluation.evaluate import Evaluation, paired_table, results_table
from fimiscope.pipeline import load_corpus
from fimiscope.training import fit_bundle

HEADS_ALONE = {"trainable_layers": 0, "adapter_rank": None, "epochs": 12, "batch": 32}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="bundle folder, trained with training.adapter_rank")
    parser.add_argument("--layers", type=int, action="append", required=True, help="how many stay; may be repeated")
    given = parser.parse_args()
    config = Config.load(given.model / files.CONFIG)
    codebook = Codebook.load(config.codebook)
    corpus = load_corpus(config, codebook)
    training = config.training.model_dump() | HEADS_ALONE
    forms = [_form("as trained", given.model)]
    with TemporaryDirectory() as folder:
        for layers in given.layers:
            name = f"{layers}-layers"
            changes = {"name": name, "encoder": f"path:{given.model}", "encoder_layers": layers, "training": training}
            dropped = Config.model_validate(config.model_dump() | changes)
            with progress() as listen:
                fit_bundle(dropped, corpus, codebook, Path(folder) / name, progress=listen)
            forms.append(_form(name, Path(folder) / name))
        examples = corpus.part("test")
        score_in_turn(forms, [example.labelled_article() for example in examples])
    show_table(cost_table(forms))
    evaluations = [Evaluation.of(form.name, examples, form.verdicts, codebook) for form in forms]
    show_table(results_table(evaluations))
    show_table(paired_table(evaluations))


def _form(name: str, folder: Path) -> Form:
    return Form(name, Predictor.load(folder, gate=False), (folder / files.GRAPH).stat().st_size)


if __name__ == "__main__":
    main()
