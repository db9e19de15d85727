import numpy as np
import pytest
import sklearn.neural_network
from sklearn.datasets import load_diabetes
from sklearn.linear_model import PoissonRegressor, QuantileRegressor, Ridge
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.estimators.mlp.mlp_cases import bits, expected_failures, plane
from treadle import InvalidInput, MLPRegressor, TrainingDiverged

ignores_convergence = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LOSSES = ("squared_error", "absolute_error", "huber", "poisson")


def regressor(*arguments, **options):
    return MLPRegressor(*arguments, **{"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 5} | options)


@ignores_convergence
@parametrize_with_checks(
    [
        MLPRegressor(hidden_layer_sizes=10, max_iter=60, learning_rate_init=0.03),
        MLPRegressor("huber", 10, ("tanh",), solver="sgd", learning_rate_init=0.01, max_iter=80),
        MLPRegressor("absolute_error", 10, solver="lbfgs", max_iter=60),
        MLPRegressor(
            "squared_error",
            10,
            early_stopping=True,
            learning_rate_init=0.03,
            max_iter=60,
            validation_fraction=0.3,
        ),
    ],
    expected_failed_checks=expected_failures,
)
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@ignores_convergence
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_outputs", [1, 2, 3])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_loss_learns_every_number_of_outputs(loss, n_outputs, solver):
    X, y = plane(n_outputs=n_outputs)
    y = np.exp(y / 4) if loss == "poisson" else y
    fitted = regressor(loss, solver=solver, learning_rate_init=0.03, max_iter=300).fit(X, y)
    assert fitted.predict(X).shape == y.shape
    assert fitted.score(X, y) > 0.9
    assert (fitted.n_outputs_, fitted.out_activation_) == (
        n_outputs,
        "exp" if loss == "poisson" else "identity",
    )


@ignores_convergence
def test_without_hidden_layers_each_loss_finds_what_its_linear_model_finds():
    X, y = plane()
    exact = {"solver": "lbfgs", "hidden_layer_sizes": (), "tol": 1e-10, "max_iter": 2000, "alpha": 1.0}
    ridge = Ridge(alpha=1.0).fit(X, y)
    np.testing.assert_allclose(regressor(**exact).fit(X, y).predict(X), ridge.predict(X), atol=1e-4)
    counts = np.random.default_rng(0).poisson(np.exp(y / 2))
    glm = PoissonRegressor(alpha=1.0 / len(y), tol=1e-10).fit(X, counts)
    np.testing.assert_allclose(
        regressor("poisson", **exact).fit(X, counts).predict(X), glm.predict(X), rtol=1e-4
    )
    # L-BFGS is not made for kinks: it comes near the median regression.
    median = QuantileRegressor(quantile=0.5, alpha=0).fit(X, y)
    found = regressor("absolute_error", **exact | {"alpha": 0.0}).fit(X, y)
    assert np.abs(found.predict(X) - y).mean() <= 1.02 * np.abs(median.predict(X) - y).mean()


@ignores_convergence
def test_outliers_move_the_absolute_loss_less_than_the_squared_one():
    X, y = plane()
    spoiled = y.copy()
    spoiled[::10] += 100
    errors = {
        loss: np.abs(
            regressor(loss, max_iter=400, learning_rate_init=0.03, tol=0, n_iter_no_change=500)
            .fit(X, spoiled)
            .predict(X)
            - y
        ).mean()
        for loss in LOSSES[:3]
    }
    assert max(errors["absolute_error"], errors["huber"]) < errors["squared_error"] / 4


@ignores_convergence
def test_huber_delta_is_in_units_of_y():
    X, y = plane()
    wide = regressor("huber", huber_delta=1e6).fit(X, y)
    assert wide.loss_curve_ == pytest.approx(regressor().fit(X, y).loss_curve_, rel=1e-12)
    assert bits(regressor("huber", huber_delta=0.1).fit(X, y)) != bits(wide)


@ignores_convergence
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_engines_agree(loss, dtype):
    X, y = plane(n_outputs=2, dtype=dtype)
    y = np.abs(y)
    curves = {
        engine: regressor(loss, engine=engine, dropout=0.2, batch_size=7, batch_norm=True)
        .fit(X, y)
        .loss_curve_
        for engine in ("numpy", "torch", "native")
    }
    for curve in curves.values():
        np.testing.assert_allclose(curve, curves["numpy"], rtol=1e-4 if dtype == np.float32 else 1e-9)


@ignores_convergence
def test_weights_are_repetitions():
    X, y = plane()
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = regressor(solver="lbfgs", max_iter=20).fit(X, y, weights)
    repeated = regressor(solver="lbfgs", max_iter=20).fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8)


@ignores_convergence
def test_a_column_of_targets_is_flattened_with_scikit_learns_warning():
    X, y = plane()
    with pytest.warns(UserWarning, match="A column-vector y was passed when a 1d array was expected"):
        fitted = regressor().fit(X, y[:, np.newaxis])
    np.testing.assert_array_equal(fitted.predict(X), regressor().fit(X, y).predict(X))


def test_huber_delta_without_hubers_loss_is_refused():
    with pytest.raises(InvalidInput, match=r"huber_delta=0\.5 is for loss='huber'; got 'squared_error'"):
        regressor(huber_delta=0.5).fit(*plane())


def test_counts_below_zero_are_refused_for_poisson():
    X, y = plane()
    with pytest.raises(InvalidInput, match=r"loss='poisson' needs y of at least 0; got -"):
        regressor("poisson").fit(X, y)


def test_numbers_that_overflow_are_an_error_in_scikit_learns_words():
    X, y = plane()
    with pytest.raises(TrainingDiverged, match=r"Solver produced non-finite parameter weights\. .* epoch 1"):
        regressor(solver="sgd", learning_rate_init=1e200, activation="identity").fit(1e100 * X, y)
    assert issubclass(TrainingDiverged, ValueError)


def test_predicts_diabetes_as_well_as_scikit_learn():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / X.std(0), y / 100, random_state=0)
    options = {"hidden_layer_sizes": 5, "alpha": 30.0, "learning_rate_init": 0.01, "random_state": 0}
    ours, theirs = (
        make(**options, max_iter=500).fit(X_train, y_train).score(X_test, y_test)
        for make in (MLPRegressor, sklearn.neural_network.MLPRegressor)
    )
    assert ours > 0.3 and ours >= theirs - 0.05
