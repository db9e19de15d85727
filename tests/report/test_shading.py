import numpy as np

from treadle.report.shading import confusion_strength


def test_diagonal_is_a_share_and_mistakes_are_relative_to_the_worst():
    confusion = np.array([[6, 2, 0], [1, 9, 0], [4, 0, 0]])
    expected = [[0.75, 0.25, 0], [0.1, 0.9, 0], [1, 0, 0]]
    np.testing.assert_allclose(confusion_strength(confusion), expected, rtol=1e-15)


def test_no_mistakes_and_empty_classes_are_no_division_by_zero():
    np.testing.assert_array_equal(confusion_strength(np.diag([3, 0])), np.diag([1, 0]))
