"""``treadle predict``: class probabilities of image files."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.terminal import print_json, print_table, progress_console, warn
from treadle.errors import InvalidInput, RunError

app = cyclopts.App(name="predict")


@app.default
def predict(
    run: Path,
    /,
    *images: Path,
    invert: bool = False,
    json: bool = False,
) -> int:
    """Predict the classes of image files with a run's model.

    treadle predict runs/fashion-mnist-1 boot.png bag.jpg --invert

    Any image file will do: it is turned to grey and scaled to the size that
    the model takes. Fashion-MNIST shows light things on black, so a picture
    of a dark thing on white needs --invert.

    Parameters
    ----------
    run
        Folder of a finished run.
    images
        Image files.
    invert
        Take light for dark and dark for light.
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
        raise RunError(f"{run} was not trained on images: it takes {model.network.sizes[0]} numbers a row")
    pixels = np.stack([read_image(path, model.image_shape, invert=invert).ravel() for path in images])
    for path, image in zip(images, pixels, strict=True):
        if image.min() == image.max():
            warn(progress_console(), f"{path} is of one shade all over; a dark drawing needs --invert")
    # In the units of the data that the model was trained on, where data_scale brings white to 1.
    X = pixels.astype(np.float32) / np.float32(255 * model.data_scale)
    engine = select_engine(dtype=model.parameters.dtype).engine
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
