"""``treadle predict``: prints class probabilities of image files."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import cyclopts

from treadle.cli.terminal import print_json, print_table, progress_console, warn
from treadle.errors import InvalidInput, PixelUnitsWarning, RunError

if TYPE_CHECKING:
    from rich.console import Console

    from treadle.data.pixel_units import PixelUnits
    from treadle.export.model_file import Model

app = cyclopts.App(name="predict")


@app.default
def predict(
    run: Path,
    /,
    *images: Path,
    invert: bool = False,
    black: float | None = None,
    white: float | None = None,
    json: bool = False,
) -> int:
    """Predict the classes of image files with a run's model.

    treadle predict runs/fashion-mnist-1 boot.png bag.jpg --invert

    Any image file will do: it is turned to grey and scaled to the size that
    the model takes. Fashion-MNIST shows light things on black, so a picture
    of a dark thing on white needs --invert.

    The images are brought to the units of the images that the model was
    trained on. Where their range does not tell which value is black and which
    white, as after standardising, say it: --black -0.42 --white 2.82

    Parameters
    ----------
    run
        Folder of a finished run.
    images
        Image files.
    invert
        Take light for dark and dark for light.
    black
        The value of black in the data that the model was trained on; with --white
        alone it is 0.
    white
        The value of white in those data.
    json
        Print the result as JSON.
    """
    import numpy as np

    from treadle.data import read_image
    from treadle.engines.selection import select_engine
    from treadle.runs.run import Run

    if not images:
        raise InvalidInput("no image was named: treadle predict RUN IMAGE...")
    model = Run.open(run).model()
    if model.image_shape is None:
        raise RunError(
            f"{run} was not trained on images: it takes {model.network.sizes[0]} numbers a row. If those are "
            "pixels, train on X of shape (rows, height, width)"
        )
    console = progress_console()
    units = _units(run, model, black, white, console)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PixelUnitsWarning)
        pixels = np.stack([read_image(path, model.image_shape, invert=invert).ravel() for path in images])
    for entry in caught:
        warn(console, str(entry.message))
    for path, image in zip(images, pixels, strict=True):
        if image.min() == image.max():
            warn(console, f"{path} is of one shade all over; a dark drawing needs --invert")
    X = units.from_bytes(pixels)
    engine = select_engine(dtype=model.parameters.dtype, network=model.network).engine
    probabilities = engine.predict(model.parameters, X)
    if json:
        print_json(
            [
                {
                    "image": str(path),
                    "class": model.class_names[int(p.argmax())],
                    "probabilities": dict(zip(model.class_names, p.tolist(), strict=True)),
                }
                for path, p in zip(images, probabilities, strict=True)
            ]
        )
        return 0
    winners = probabilities.argmax(axis=1)
    print_table(
        ("image", *(str(path) for path in images)),
        [
            ("class", *(model.class_names[k] for k in winners)),
            *((name, *(f"{p:.1%}" for p in probabilities[:, k])) for k, name in enumerate(model.class_names)),
        ],
        align="<" + ">" * len(images),
    )
    return 0


def _units(run: Path, model: Model, black: float | None, white: float | None, console: Console) -> PixelUnits:
    """Return the values of black and white pixels in the training data.

    The user gives them, or the model knows them.
    """
    from treadle.data.pixel_units import PixelUnits

    if white is not None:
        return PixelUnits(black or 0.0, white)
    if black is not None:
        raise InvalidInput(f"--black {black:g} says nothing without --white: give both")
    units = model.pixel_units
    if units is None:
        assert model.data_range is not None
        low, high = model.data_range
        if low == high:
            raise RunError(f"{run} was trained on images that are {low:g} all over: train on others")
        raise RunError(
            f"{run} was trained on images with values of {low:g} to {high:g}, and which of them are black "
            f"and white is not known: say it, if they are these, with --black {low:g} --white {high:g}"
        )
    if model.data_range is None:
        warn(
            console,
            f"{run} does not say which values its training images had, as runs of earlier versions: taken "
            f"are {units}; --black and --white say others, and treadle train --resume "
            f"{shlex.quote(str(run))} writes them down",
        )
    elif units != PixelUnits(0.0, 1 / model.data_scale):
        low, high = model.data_range
        warn(
            console,
            f"{run} was trained on images with values of {low:g} to {high:g}: taken are {units}; --black and "
            "--white say others",
        )
    return units
