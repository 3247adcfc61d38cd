"""Distance from what a model was trained on: of a capture, and of a batch."""

from __future__ import annotations
