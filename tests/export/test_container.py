import numpy as np
import pytest

from treadle.boxes.network import network_file
from treadle.boxes.trees import tree_file
from treadle.errors import CorruptFile, InvalidInput
from treadle.estimators.files import saving
from treadle.export import model_file
from treadle.export.container import Container
from treadle.export.safetensors_file import write_safetensors
from treadle.training import checkpoint

MODULES = (network_file, tree_file, model_file, saving, checkpoint)
EACH = pytest.mark.parametrize("file", [module.FILE for module in MODULES], ids=lambda file: file.kind)
ARRAYS = {"a": np.arange(3.0)}


def content(file):
    """Metadata that the format takes."""
    return {file.section: file.section_type()} if file.section else {file.keys[0]: 1}


@EACH
def test_what_was_written_is_read(file, tmp_path):
    file.write(tmp_path / "file", ARRAYS, content(file))
    arrays, metadata = file.read(tmp_path / "file")
    assert metadata == {"format": 1, **content(file)}
    np.testing.assert_array_equal(arrays["a"], ARRAYS["a"])


@EACH
@pytest.mark.parametrize("version", [0, 2, 1.5, "1", None])
def test_another_version_is_refused_with_the_remedies(file, version, tmp_path):
    write_safetensors(tmp_path / "file", ARRAYS, {**content(file), "format": version})
    message = (
        f"must hold {file.kind} of format 1; it holds format .* of {next(iter(content(file)))}: use the "
        f"treadle that wrote it, restore it from a copy, or {file.again}"
    )
    with pytest.raises(CorruptFile, match=message):
        file.read(tmp_path / "file")


@EACH
def test_a_key_that_the_format_does_not_have_is_refused(file, tmp_path):
    write_safetensors(tmp_path / "file", ARRAYS, {**content(file), "format": 1, "note": 1})
    allowed = ", ".join(("format", *file.keys))
    with pytest.raises(
        CorruptFile, match=f"holds 'note', which its format does not have; allowed are {allowed}: restore"
    ):
        file.read(tmp_path / "file")


@pytest.mark.parametrize("held", [{}, {"boxes": []}, {"trees": {}}])
def test_a_file_of_another_kind_is_refused(held, tmp_path):
    write_safetensors(tmp_path / "file", ARRAYS, {"format": 1, **held})
    with pytest.raises(CorruptFile, match="must hold a box network of format 1; it holds format 1 of "):
        network_file.FILE.read(tmp_path / "file")


def test_what_goes_wrong_with_a_content_is_a_corrupt_file():
    file = Container("a thing", 1, (), again="make it again")
    message = r"x does not describe a thing: KeyError: 'a'; restore .* make it again"
    with pytest.raises(CorruptFile, match=message), file.describing("x"):
        {}["a"]
    message = "x does not describe an idea: too large; restore"
    with pytest.raises(CorruptFile, match=message), file.describing("x", "an idea"):
        raise InvalidInput("too large")
    with pytest.raises(CorruptFile, match=r"^as it was$"), file.describing("x"):
        raise CorruptFile("as it was")
    with pytest.raises(KeyboardInterrupt), file.describing("x"):
        raise KeyboardInterrupt
