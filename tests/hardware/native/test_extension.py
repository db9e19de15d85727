"""The door to ``treadle._native``: nobody else imports it, its stub is true, TREADLE_SIMD is read alike."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

import treadle
from treadle import BoxRegressor, EngineUnavailable, InvalidInput, LADRegressor, MLPClassifier, from_tree
from treadle.hardware.native import extension

SOURCE = Path(treadle.__file__).parent
ROOT = Path(__file__).parents[3]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
Y = X @ [1.0, 2.0, 3.0] + RNG.standard_t(2, size=200)

pytestmark = pytest.mark.skipif(not extension.is_built(), reason="treadle._native is not built")


def importers(text):
    """Whether a module imports the extension."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import) and any(name.name == "treadle._native" for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (
            node.module == "treadle._native"
            or (node.module == "treadle" and any(name.name == "_native" for name in node.names))
        ):
            return True
    return False


def test_one_file_imports_the_extension():
    files = [*SOURCE.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    found = [path.relative_to(ROOT).as_posix() for path in files if importers(path.read_text("utf-8"))]
    assert found == ["src/treadle/hardware/native/extension.py"]


@pytest.mark.parametrize(
    "text",
    ["from treadle import _native", "import treadle._native as n", "from treadle._native import predict"],
)
def test_another_import_would_be_found(text):
    assert importers(f"def f():\n    {text}")


def test_the_stub_is_what_nanobind_says_of_the_extension():
    stubgen = pytest.importorskip("nanobind.stubgen", reason="nanobind builds the extension")
    generator = stubgen.StubGen(extension._native)
    generator.put(extension._native)
    stub = (SOURCE / "_native.pyi").read_text("utf-8")
    assert ast.dump(ast.parse(stub)) == ast.dump(ast.parse(generator.get())), "make stub"


def test_kernels_are_chosen_by_the_environment_and_no_others(monkeypatch):
    monkeypatch.delenv("TREADLE_SIMD", raising=False)
    best = extension.chosen_kernels()
    assert best.standard == extension.available_kernels()[0]
    assert best.bfloat16 != extension.EMULATED_BFLOAT16
    monkeypatch.setenv("TREADLE_SIMD", "portable")
    assert extension.chosen_kernels() == extension.Kernels("portable", None)
    for name in extension.available_bfloat16_kernels():
        monkeypatch.setenv("TREADLE_SIMD", name)
        assert extension.chosen_kernels() == extension.Kernels(best.standard, name)


USES = {
    "LADRegressor": lambda: LADRegressor().fit(X, Y),
    "MLPClassifier": lambda: MLPClassifier(max_iter=2).fit(X, Y > 0),
    "BoxRegressor": lambda: BoxRegressor().fit(X[:, :1], Y),
    "approximate": lambda: treadle.approximate(lambda x: x, [0, 1], eps=0.1, lipschitz=1),
    "TreeNetwork": lambda: from_tree(DecisionTreeRegressor(max_depth=3).fit(X, Y)).predict(X),
}


@pytest.mark.parametrize("use", USES)
def test_a_name_of_no_kernel_is_refused_by_whatever_computes(monkeypatch, use):
    monkeypatch.setenv("TREADLE_SIMD", "mmx")
    names = [*extension.available_kernels(), *extension.available_bfloat16_kernels()]
    with pytest.raises(InvalidInput) as refusal:
        USES[use]()
    assert str(refusal.value) == f"TREADLE_SIMD must be one of {', '.join(names)} here; got 'mmx'"


def test_without_the_extension_numpy_computes_whatever_is_named(monkeypatch):
    monkeypatch.setenv("TREADLE_SIMD", "mmx")
    monkeypatch.setattr(extension, "missing", ImportError("a test"))
    assert extension.kernels_if_built() is None
    tree = DecisionTreeRegressor(max_depth=3).fit(X, Y)
    np.testing.assert_array_equal(from_tree(tree).predict(X[:5].astype(np.float32)), tree.predict(X[:5]))
    for use in (extension.chosen_kernels, extension.processor_features, extension.available_bfloat16_kernels):
        with pytest.raises(
            EngineUnavailable, match=r"the native engine is not built \(a test\): install a C\+\+20"
        ):
            use()


def test_an_interpreter_that_cannot_load_it_says_why():
    code = (
        "import sys; sys.modules['treadle._native'] = None\n"
        "from treadle.hardware.native import extension\n"
        "print(extension.is_built())\n"
        "extension.check_built()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "False\n"
    assert "EngineUnavailable: the native engine is not built (" in ended.stderr
