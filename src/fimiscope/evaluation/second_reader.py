"""How far two readers of texts labelled as the shipped ones agree: the ceiling for a model on those."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from fimiscope.corpus.annotated import read_annotations
from fimiscope.errors import CorpusError
from fimiscope.evaluation.judged import Judged
from fimiscope.shipped import shipped
from fimiscope.yaml_files import read_yaml

_FILE = "annotations/second_reader.yaml"


@dataclass(frozen=True, slots=True)
class SecondReader:
    """Agreement of a second, blind reading with the first one.

    Attributes:
        texts: that were read twice.
        role_agreement, role_kappa: on all of them.
        flag_f1: one reader's flag measured against the other's.
        hard_role_agreement, hard_flag_f1: on the texts of which the first reader was unsure.
    """

    texts: int
    role_agreement: float
    role_kappa: float
    flag_f1: float
    hard_role_agreement: float
    hard_flag_f1: float

    def rows(self) -> dict[str, dict[str, str]]:
        """Rows of a results table by title, each by figure."""
        return {
            "second reader": {
                "role/macro_f1": f"agreement {self.role_agreement:.2f}, kappa {self.role_kappa:.2f}",
                "flag/f1": f"{self.flag_f1:.2f}",
            },
            "second reader, hard texts": {
                "role/macro_f1": f"agreement {self.hard_role_agreement:.2f}",
                "flag/f1": f"{self.hard_flag_f1:.2f}",
            },
        }

    def note(self) -> str:
        """What the rows mean."""
        return (
            f"second reader: a blind second reading of {self.texts:,} texts labelled in the same way against the "
            "first; hard texts: where the first reader was unsure. Agreement and kappa compare with role/accuracy and "
            "role/kappa (--details). A model above them points to a leak."
        )


def second_reader_of(judged: Judged) -> SecondReader | None:
    """The ceiling for these texts; `None` unless all of them come from the shipped annotations."""
    if not len(judged) or not set(zip(judged.sources, judged.ids, strict=True)) <= _annotated():
        return None
    document: Any = read_yaml(shipped(_FILE), "agreement of readers", CorpusError)
    return SecondReader(**document)


@cache
def _annotated() -> frozenset[tuple[str, str]]:
    return frozenset(read_annotations())
