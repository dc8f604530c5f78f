"""What a run is told with: tables for a terminal and one self-contained HTML page. Nothing here imports torch.

Nothing is imported on this page either: a run's report can be read without the library that draws its page.
"""
