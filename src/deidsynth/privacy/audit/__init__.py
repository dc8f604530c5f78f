"""The privacy audit: what synthetic text and trained models give away about the documents they were made from.

Every figure is a difference between groups of training documents and groups of held-out documents that no model and no
prompt has seen. No file is read here, and no model is run.
"""
