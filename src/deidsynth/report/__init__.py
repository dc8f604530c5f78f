"""Reports: tables for the terminal and one self-contained HTML page. Nothing here imports torch.

This file imports nothing, so that ``report.json`` can be read without the library that renders the page.
"""
