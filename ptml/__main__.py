"""Run as ``python -m ptml``."""

from __future__ import annotations

from ptml.cli import main

if __name__ == "__main__":
    main()
