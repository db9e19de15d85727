from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from treadle.data import Dataset, read_image
from treadle.errors import CorruptFile, InvalidInput

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (28, 28), dtype=np.uint8)


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "pgm", "tga", "gif"])
def test_pixels_of_the_right_shape_are_kept(tmp_path: Path, suffix: str) -> None:
    path = save(Image.fromarray(GREY), tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_image(path), GREY)
    np.testing.assert_array_equal(read_image(str(path), invert=True), 255 - GREY)


def test_a_real_test_image_comes_back_from_a_file(tmp_path: Path, fashion_mnist: Dataset) -> None:
    pixels = fashion_mnist.X_test[7].reshape(28, 28)
    np.testing.assert_array_equal(read_image(save(Image.fromarray(pixels), tmp_path / "a.png")), pixels)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "jp2"])
def test_lossy_formats_come_close(tmp_path: Path, suffix: str) -> None:
    smooth = np.add.outer(np.arange(28), np.arange(28)).astype(np.uint8) * 4
    read = read_image(save(Image.fromarray(smooth), tmp_path / f"a.{suffix}"))
    assert np.abs(read.astype(int) - smooth).mean() <= 4


def test_colours_become_itu_r_601_luma(tmp_path: Path) -> None:
    rgb = RNG.integers(0, 256, (28, 28, 3), dtype=np.uint8)
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    for mode in ("RGB", "P"):
        image = Image.fromarray(rgb).convert(mode)
        wanted = luma if mode == "RGB" else np.asarray(image.convert("RGB")) @ np.array([0.299, 0.587, 0.114])
        read = read_image(save(image, tmp_path / f"{mode}.png"))
        assert np.abs(read - wanted).max() <= 1


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    deep = RNG.integers(0, 65536, (28, 28), dtype=np.uint16)
    deep[0, :2] = 0, 65535
    read = read_image(save(Image.fromarray(deep), tmp_path / "a.png"))
    np.testing.assert_array_equal(read, np.round(deep / 257.0))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("invert", [False, True])
def test_transparent_parts_become_background(tmp_path: Path, mode: str, invert: bool) -> None:
    rgba = np.full((28, 28, 4), 255, dtype=np.uint8)
    rgba[:, :14, :3] = 100
    rgba[:, 14:, 3] = 0  # the right half is transparent, and white underneath
    suffix = "tiff" if mode == "LA" else "png"
    image = Image.fromarray(rgba)
    if mode == "PA":
        image = image.quantize(4)
        mode = "P with transparency"
    elif mode == "LA":
        image = image.convert("LA")
    read = read_image(save(image, tmp_path / f"a.{suffix}"), invert=invert)
    assert (read[:, 14:] == 0).all(), mode
    assert (read[:, :14] == (155 if invert else 100)).all()


def test_half_transparency_is_mixed_with_the_background(tmp_path: Path) -> None:
    rgba = np.full((28, 28, 4), 200, dtype=np.uint8)
    rgba[..., 3] = 128
    read = read_image(save(Image.fromarray(rgba), tmp_path / "a.png"))
    assert np.abs(read.astype(int) - 200 * 128 / 255).max() <= 1


def test_exif_turns_the_image_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    path = save(Image.fromarray(GREY), tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(GREY, -1))


@pytest.mark.parametrize(("size", "box"), [((280, 140), (7, 0, 21, 28)), ((14, 56), (0, 10, 28, 17))])
def test_the_longer_side_fits_and_the_rest_is_background(
    tmp_path: Path, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    path = save(Image.new("L", size, 255), tmp_path / "a.png")
    read = read_image(path)
    top, left, bottom, right = box
    assert (read[top:bottom, left:right] == 255).all()
    read[top:bottom, left:right] = 0
    assert (read == 0).all()


def test_a_line_of_pixels_keeps_at_least_one(tmp_path: Path) -> None:
    path = save(Image.new("L", (3000, 1), 255), tmp_path / "a.png")
    assert (read_image(path)[14 - 1 : 14] == 255).sum() == 28


def test_other_shapes_are_height_by_width(tmp_path: Path) -> None:
    path = save(Image.fromarray(GREY), tmp_path / "a.png")
    assert read_image(path, (8, 12)).shape == (8, 12)


def test_shrinking_averages(tmp_path: Path) -> None:
    board = (np.indices((280, 280)).sum(axis=0) % 2 * 255).astype(np.uint8)
    read = read_image(save(Image.fromarray(board), tmp_path / "a.png"))
    assert np.abs(read.astype(int) - 127).max() <= 2


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"no\.png cannot be read: No such file or directory; check the path"
    ):
        read_image(tmp_path / "no.png")
    with pytest.raises(InvalidInput, match=r"cannot be read: Is a directory"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp"])
def test_damage_anywhere_is_an_error_of_ours_or_none(tmp_path: Path, suffix: str) -> None:
    path = save(Image.fromarray(GREY), tmp_path / f"a.{suffix}")
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            broken[place] = rng.integers(256)
        path.write_bytes(broken[: rng.integers(1, len(whole) + 1)])
        try:
            assert read_image(path).shape == (28, 28)
        except CorruptFile as error:
            assert str(path) in str(error)
