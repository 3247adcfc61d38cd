"""Reasons for a score: exact contributions of the features, and what they say in words."""

from __future__ import annotations
