import numpy as np

from treadle.estimators.random_state import seed_of


def test_an_integer_is_the_seed_itself():
    assert seed_of(7) == seed_of(np.int64(7)) == 7


def test_a_generator_is_drawn_from_and_moves_on():
    states = [np.random.RandomState(3) for _ in range(2)]
    first = [seed_of(state) for state in states]
    assert first[0] == first[1] == np.random.RandomState(3).randint(2**31 - 1)
    assert seed_of(states[0]) != first[0]


def test_none_draws_from_numpy_s_own_generator():
    np.random.seed(5)  # noqa: NPY002
    first = seed_of(None)
    np.random.seed(5)  # noqa: NPY002
    assert seed_of(None) == first
