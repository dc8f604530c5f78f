"""Names of the files inside artifacts."""

from __future__ import annotations

CORPUS = "corpus.jsonl"
COPIES = "copies"
DOCUMENTS = "documents.jsonl"
PARTS = "parts.json"
MODEL = "model"
PSEUDONYMS = "pseudonyms.json"
CURVE = "curve.jsonl"
PRETRAINING_CURVE = "pretraining.jsonl"
SAMPLES = "samples.jsonl"
SCORES = "scores.json"
PREDICTIONS = "predictions.jsonl"
MEMORIZATION = "memorization.json"
AUDIT = "audit.json"
AUDIT_PAGE = "audit.html"
CANARIES = "canaries.json"
