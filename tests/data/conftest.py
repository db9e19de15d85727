from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data.small_fashion import SmallFashion
from treadle.data import fashion_mnist as module
from treadle.data.known_files import Edition, KnownFile


@pytest.fixture
def small_fashion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idx_bytes: Callable[[NDArray[Any]], bytes]
) -> SmallFashion:
    rng = np.random.default_rng(0)
    arrays, compressed, files = {}, {}, []
    for known in module.FILES:
        shape = (30 if "train" in known.name else 20, *known.shape[1:])
        images = len(shape) == 3
        values = rng.integers(0, 256 if images else 10, shape, dtype=np.uint8)
        if not images:
            values[:10] = np.arange(10)
        data = gzip.compress(idx_bytes(values), mtime=0)
        other = gzip.compress(idx_bytes(values), mtime=1)
        editions = tuple(Edition(len(d), hashlib.sha256(d).hexdigest()) for d in (data, other))
        arrays[known.name], compressed[known.name] = values, data
        files.append(KnownFile(known.name, editions, shape, hashlib.sha256(values.tobytes()).hexdigest()))
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("TREADLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TREADLE_OFFLINE", raising=False)
    monkeypatch.setattr(module, "FILES", tuple(files))
    monkeypatch.setattr(module, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr(module, "MIRRORS", ())
    cache = tmp_path / "cache" / "fashion-mnist"
    return SmallFashion(tuple(files), compressed, arrays, cache, tmp_path / "system", programs)
