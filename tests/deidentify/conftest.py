"""Tiny models for the tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tiny_models import one_thread, tiny

__all__ = ["one_thread", "tiny"]
