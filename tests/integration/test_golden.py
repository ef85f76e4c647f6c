"""Golden files: the help of every command and the public names.

After a wanted change write them anew with `python tests/integration/test_golden.py` and read the difference.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import fimiscope

GOLDEN = Path(__file__).parents[1] / "golden"
HEAVY = ("torch", "transformers", "mlflow", "pandas", "numpy", "pyarrow", "onnxruntime", "sklearn", "datasets")
HELP = """
from typer.main import get_command
from typer.testing import CliRunner
from fimiscope.cli.app import app
def show(command, *words):
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="fimiscope")
    assert result.exit_code == 0, result.output
    print("$ fimiscope", *words, "--help")
    print("\\n".join(row.rstrip() for row in result.output.splitlines()))
    for name, below in getattr(command, "commands", {}).items():
        show(below, *words, name)
show(get_command(app))
"""
REMEDY = "if this change is wanted: python tests/integration/test_golden.py"


def run(code: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "GITHUB_ACTIONS")}
    environment = plain | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def current() -> dict[str, str]:
    """What the golden files should hold."""
    return {"help.txt": run(HELP), "public-names.txt": "".join(f"{name}\n" for name in sorted(fimiscope.__all__))}


def test_help_and_public_names_are_as_they_were() -> None:
    for name, content in current().items():
        assert content == (GOLDEN / name).read_text(encoding="utf-8"), f"{name} differs; {REMEDY}"


def test_every_public_name_is_there_and_no_other() -> None:
    code = "import fimiscope; print(*(n for n in fimiscope.__all__ if getattr(fimiscope, n).__name__ != n))"
    assert run(code).split() == []
    assert set(fimiscope.__all__) <= set(dir(fimiscope))
    assert not hasattr(fimiscope, "nonsense")


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    assert loaded_by("fimiscope.cli.app") == []
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, "-m", "fimiscope", "--help"], capture_output=True, check=False)
    assert done.returncode == 0
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1.0


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("fimiscope", "fimiscope.Article, fimiscope.TrackingError") == []


def loaded_by(module: str, then: str = "None") -> list[str]:
    """Which heavy libraries a fresh process has loaded after importing `module`."""
    return run(f"import sys, {module}; {then}; print(*(set({HEAVY!r}) & set(sys.modules)))").split()


if __name__ == "__main__":
    for file, text in current().items():
        (GOLDEN / file).write_text(text, encoding="utf-8")
