"""The command line: one file a command, no logic of its own."""

from fimiscope.cli.app import main

__all__ = ["main"]
