"""Images that are cut, damaged or huge: refused in words, in bounded memory."""

import numpy as np
import pytest
from PIL import Image, ImageFile

from tests.attacks.limits import within
from treadle.data.images import read_image
from treadle.errors import CorruptFile

RNG = np.random.default_rng(0)


def test_a_png_that_lacks_its_end_is_refused(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(RNG.integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    read_image(path)
    whole = path.read_bytes()
    for lost in range(1, 25):
        path.write_bytes(whole[:-lost])
        with pytest.raises(CorruptFile, match=r"a\.png is a damaged image: a PNG that was cut short"):
            read_image(path)


def test_a_wrong_check_sum_of_a_png_is_noticed_also_within_an_ico(tmp_path):
    image = Image.fromarray(RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    for name in ("a.png", "a.ico"):
        path = tmp_path / name
        image.save(path)
        read_image(path)
        data = bytearray(path.read_bytes())
        data[-13] ^= 1  # the last of the check sum of IDAT
        path.write_bytes(data)
        with pytest.raises(
            CorruptFile, match=r"is a damaged image: the check sum of its part b'IDAT' is wrong"
        ):
            read_image(path)
    path.write_bytes(b"\0\0\1\0" + b"\xff\xff" + bytes(100))
    with pytest.raises(CorruptFile, match="an ICO of 65535 images; at most 64 are read"):
        read_image(path)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8])
def test_a_large_image_takes_little_more_than_its_pixels(tmp_path, dtype):
    path = tmp_path / "large.tiff"
    Image.fromarray(np.zeros((4000, 4000), dtype)).save(path, compression="tiff_lzw")
    with within(8 * 16, 60):  # 8 bytes a pixel
        assert not read_image(path).any()


def test_whatever_the_readers_of_images_raise_the_image_is_damaged(tmp_path, monkeypatch):
    Image.new("L", (4, 4)).save(tmp_path / "a.gif")

    def takes_all(self):
        raise MemoryError

    with (
        monkeypatch.context() as patch,
        pytest.raises(CorruptFile, match=r"a\.gif takes more memory than there is"),
    ):
        patch.setattr(ImageFile.ImageFile, "load", takes_all)
        read_image(tmp_path / "a.gif")
    for error in (RuntimeError("AVIF"), TypeError("TIFF"), KeyError(3), ZeroDivisionError("x")):

        def load(self, error=error):
            raise error

        monkeypatch.setattr(ImageFile.ImageFile, "load", load)
        with pytest.raises(CorruptFile, match=r"a\.gif is a damaged image: "):
            read_image(tmp_path / "a.gif")
