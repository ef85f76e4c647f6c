"""Every error that a user can cause.

FimiscopeError
├── ConfigError      a config or an option that cannot be used
├── CodebookError    a codebook that contradicts itself
├── ReadingError     an input that is not there or in no known form
├── CorpusError      labelled data that cannot be joined, split or trained on
├── EncoderError     an encoder reference that does not resolve here
├── BundleError      a bundle that is damaged, swapped or of another format
├── TrackingError    a tracking store or registered model that cannot be reached
├── OutputError      a result file that cannot be written
└── MissingExtra     an optional dependency that is not installed

Each message is one sentence or list: what, where, which rule, and what to do next. The command line prints it
without a traceback and exits with 2. Messages never hold article text or credentials.
"""

from __future__ import annotations


class FimiscopeError(Exception):
    """Base of all errors that the command line reports in one line."""


class ConfigError(FimiscopeError):
    """A config or an option that cannot be used; lists all faults at once."""


class CodebookError(FimiscopeError):
    """A codebook that contradicts itself."""


class ReadingError(FimiscopeError):
    """An input that is not there or in no known form."""


class CorpusError(FimiscopeError):
    """Labelled data that cannot be joined, split or trained on."""


class EncoderError(FimiscopeError):
    """An encoder reference that does not resolve here."""


class BundleError(FimiscopeError):
    """A bundle that is damaged, swapped or of another format."""


class TrackingError(FimiscopeError):
    """A tracking store or registered model that cannot be reached."""


class OutputError(FimiscopeError):
    """A result file that cannot be written."""


class MissingExtra(FimiscopeError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: run in the checkout  {install_line(extra)}")


def install_line(extras: str = "") -> str:
    """The command that installs fimiscope from its checkout, with extras such as `train,encoders`."""
    return "pip install -c constraints.txt -e " + (f"'.[{extras}]'" if extras else ".")
