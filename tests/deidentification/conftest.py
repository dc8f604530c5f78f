"""Tiny models for the tests of this folder."""

from __future__ import annotations

from tiny_models import one_thread, tiny

__all__ = ["one_thread", "tiny"]
