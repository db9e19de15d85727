"""Every public name has an example, and every example in a docstring does what it says."""

import ast
import doctest
import inspect
from pathlib import Path

import pytest

import treadle

SOURCE = Path(treadle.__file__).parent
PACKAGES = (treadle, treadle.l1, treadle.tables)
PARSER = doctest.DocTestParser()


def docstrings_with_examples():
    """Each such docstring of the package, and its place: its module is not loaded for it."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                docstring = ast.get_docstring(node) or ""
                if PARSER.get_examples(docstring):
                    place = f"{path.relative_to(SOURCE).as_posix()}:{getattr(node, 'name', '')}"
                    yield pytest.param(docstring, place, id=place)


def failures(docstring, place):
    """What the examples print that they should not, as doctest reports it; no name is defined for them."""
    reports = []
    test = PARSER.get_doctest(docstring, {}, place, place, 0)
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=reports.append)
    return "".join(reports)


@pytest.mark.parametrize(("docstring", "place"), list(docstrings_with_examples()))
def test_an_example_does_what_it_says(docstring, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    assert failures(docstring, place) == ""


def public_docstrings():
    """The docstring of each public class and function, by its name."""
    values = {
        f"{package.__name__}.{name}": getattr(package, name)
        for package in PACKAGES
        for name in package.__all__
    }
    return {
        name: value.__doc__ or ""
        for name, value in values.items()
        if inspect.isclass(value) or inspect.isfunction(value)
    }


def test_every_public_name_has_an_example():
    docstrings = public_docstrings()
    assert {"treadle.MLPClassifier", "treadle.l1.infer", "treadle.tables.read_table"} <= docstrings.keys()
    assert [name for name, text in docstrings.items() if not PARSER.get_examples(text)] == []


@pytest.mark.parametrize(
    ("docstring", "report"),
    [
        (">>> 1 + 1\n3\n", "Expected:\n    3\nGot:\n    2"),
        (">>> softmax([0.0])\narray([1.])\n", "NameError: name 'softmax' is not defined"),
        (">>> import warnings\n>>> warnings.warn('too rough')\n", "UserWarning: too rough"),
    ],
)
def test_a_wrong_example_is_seen(docstring, report):
    assert report in failures(docstring, "place")
