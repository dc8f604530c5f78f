"""``python -m deidsynth``: the command line."""

from deidsynth.cli import main

if __name__ == "__main__":
    main()
