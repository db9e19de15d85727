"""Loads data sets by name or path, and image files.

The data sets are Fashion-MNIST and the digits by name, IDX folders and .npz files by path. It refuses
whatever is not provably what it says: files are checked before memory is taken for them, labels against the
classes, pixels against NaN. Nothing here unpickles.
"""

from treadle.data.dataset import Dataset
from treadle.data.idx import read_idx
from treadle.data.images import read_image
from treadle.data.loading import NAMES, load_data

__all__ = ["NAMES", "Dataset", "load_data", "read_idx", "read_image"]
