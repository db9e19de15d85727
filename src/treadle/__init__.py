"""treadle: feed-forward networks at hardware speed, with the proof attached.

The public names are listed in ``__init__.pyi`` and loaded when they are first used, so that importing treadle
costs next to nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
