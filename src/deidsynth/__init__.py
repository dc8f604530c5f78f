"""The public API of deidsynth. Importing it is quick: torch and transformers wait until something needs them.

The names are listed once, in ``__init__.pyi``, with their modules; docs/python.md shows them at work.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
