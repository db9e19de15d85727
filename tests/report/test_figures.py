"""How matplotlib's pictures are saved."""

import pytest
from PIL import Image

from treadle.errors import InvalidInput
from treadle.report.figures import finish_axes, new_figure, save_figure


def drawn():
    figure = new_figure(4, 3)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="a line")
    finish_axes(axes, "title", "x", "y")
    return figure


def test_a_saved_figure_is_a_whole_png_file_with_150_dots_an_inch(tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    save_figure(drawn(), path)
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG" and image.size == (600, 450)
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"a picture is written as \.png, \.svg or \.pdf; got .*\.jpg'"):
        save_figure(drawn(), tmp_path / "figure.jpg")
