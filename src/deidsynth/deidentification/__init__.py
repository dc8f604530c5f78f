"""De-identifying new texts with a trained model: find identifiers, then replace them as a policy says.

The names are listed in ``__init__.pyi``; torch waits until one of them needs it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
