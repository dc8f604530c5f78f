"""Invented clinical notes in Swedish and Spanish, with exact labels, from a small grammar of our own."""

from __future__ import annotations

from deidsynth.demo.generate import invented_corpus

__all__ = ["invented_corpus"]
