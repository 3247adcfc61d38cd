"""The Markdown pages of the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted(
        [
            *ROOT.glob("*.md"),
            *(ROOT / "docs").rglob("*.md"),
            *(ROOT / folder / "README.md" for folder in ("benchmarks", "data", "models", "pipelines")),
        ]
    )
}
