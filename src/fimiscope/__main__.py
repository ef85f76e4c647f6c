"""`python -m fimiscope`, as torchrun starts it."""

from fimiscope.cli import main

if __name__ == "__main__":
    main()
