"""A multilayer perceptron that classifies: scikit-learn's contract over treadle's engines and training loop.

It translates: hyper-parameters into a network, an objective, an update rule and a schedule; labels into class
numbers; what was trained into attributes. All training is ``treadle.training.loop``, all arithmetic an
engine's. It takes dense X and one label a row; sparse X, several labels a row, regression, lbfgs,
``partial_fit`` and ``warm_start`` it refuses or does not have.

Dimensions: N samples, D features, K classes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.objective import Objective
from treadle.engines.selection import select_engine
from treadle.errors import InvalidInput
from treadle.estimators.hyperparameters import check_hyperparameters
from treadle.maths.softmax import log_softmax, softmax
from treadle.network import Network, Parameters
from treadle.optimizers import (
    SGD,
    Adam,
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    OneCycle,
    Optimizer,
    Schedule,
)
from treadle.optimizers.schedules import LEAST_RATE
from treadle.optimizers.stall import Stall
from treadle.training.loop import TrainingLoop, TrainingPlan

# X of these types is taken as it is, without a copy; any other is converted to the first.
X_DTYPES = (np.float64, np.float32, np.uint8)


class _Rows(NamedTuple):
    """X (N, D), class numbers (N,) int64, and weights (N,) float64 or None."""

    X: NDArray[Any]
    y: NDArray[np.int64]
    weights: NDArray[np.float64] | None

    def take(self, rows: NDArray[np.int64]) -> _Rows:
        return _Rows(self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows])


class MLPClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Classify rows with a feed-forward network, trained on mini-batches.

    Minimises cross-entropy plus an L2 penalty, a batch of n rows with weights c_i at a time::

        sum_i c_i (-log p_i[y_i]) / sum_i c_i + alpha / (2 n c) * sum of squared weights

    p being the softmax of K outputs (two for two classes, where scikit-learn has one logistic output), n the
    batch size and c the mean weight of all rows, 1 without weights. So the penalty is scikit-learn's, with
    one exception: the last batch of an epoch, if it is smaller, has the same penalty as the others, where
    scikit-learn divides alpha by that batch's own size.

    float64 X trains float64 parameters, float32 X and uint8 X float32 ones. uint8 X is never converted as a
    whole: see ``input_scale``. X of any other type becomes float64.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; empty for softmax regression.
    activation : {"relu", "identity", "logistic", "tanh", "gelu", "silu"}, default="relu"
        Of the hidden layers.
    solver : {"adam", "sgd"}, default="adam"
        The update rule. Adam's ``epsilon`` is added to the corrected second moment, as in the paper; without
        the correction, as in scikit-learn, the first steps differ by about epsilon relative to the gradient.
    alpha : float >= 0, default=0.0001
        Strength of the L2 penalty; biases have none.
    batch_size : int or "auto", default="auto"
        Rows in a step; "auto" is min(200, N).
    learning_rate : {"constant", "invscaling", "adaptive", "one_cycle", "cosine"}, default="constant"
        How the rate goes on from ``learning_rate_init``, whatever the solver (scikit-learn: sgd only).
        invscaling: divided by ``(1 + rows seen)**power_t``, set anew each epoch. adaptive: divided by 5 at
        each stall (see ``tol``), until it is 1e-6 or less. one_cycle: from 0 up to it in the first 30 % of
        the steps and down to 0. cosine: up in the first 5 %, then down half a cosine. A new rate acts on the
        whole of sgd's next step; scikit-learn leaves the momentum at the old one.
    learning_rate_init : float > 0, default=0.001
        The largest rate.
    power_t : float >= 0, default=0.5
        Exponent of invscaling.
    max_iter : int, default=200
        Epochs at most; exactly so many for one_cycle and cosine, whose course they set, unless validation
        stops them.
    random_state : int, RandomState or None, default=None
        Of initial weights, order of the rows, dropout and validation rows. With an int, the same arguments
        give the same bits.
    tol : float >= 0, default=0.0001
        An epoch stalls if its training loss is above the best so far less ``tol``; under early stopping, its
        validation score below the best plus ``tol``.
    momentum : float in [0, 1), default=0.9
        For sgd.
    nesterovs_momentum : bool, default=True
        For sgd.
    early_stopping : bool, default=False
        Hold rows out, stop by the accuracy on them, and keep the parameters of the epoch that had the best.
    validation_fraction : float in (0, 1), default=0.1
        Of the rows, held out: the same of each class, where there are enough rows of each.
    beta_1, beta_2 : float in [0, 1), default=0.9, 0.999
        For adam.
    epsilon : float > 0, default=1e-8
        For adam.
    n_iter_no_change : int or inf, default=10
        Training stops after more than so many stalled epochs in a row (adaptive: once its rate is least).
    dropout : float in [0, 1), default=0.0
        Probability with which the output of a hidden unit is zeroed in a step of training.
    label_smoothing : float in [0, 1), default=0.0
        Share of each label that is spread evenly over all classes.
    input_scale : float, default=1.0
        The network sees ``X * input_scale``, in fit and in prediction: 1/255 lets pixels stay uint8.
    engine : {"auto", "native", "numpy", "torch"}, default="auto"
        What computes, here and in prediction; see ``treadle.select_engine``. The native engine is for
        float32 and uint8 X.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (D,)
        Where X had names.
    coefs_ : list of ndarray of shape (n_in, n_out)
    intercepts_ : list of ndarray of shape (n_out,)
    network_ : Network
    loss_curve_ : list of float
        The objective of each epoch: the mean over its rows, each just before its batch's update.
    loss_ : float
        The last of ``loss_curve_``.
    best_loss_ : float or None
        The least of ``loss_curve_``; None with early stopping.
    validation_scores_ : list of float, or None
        Accuracy on the rows held out, after each epoch; None without early stopping.
    best_validation_score_ : float or None
    n_iter_ : int
        Epochs trained.
    t_ : int
        Rows seen: n_iter_ times the training rows.
    n_layers_, n_outputs_ : int
        Layers, inputs and outputs included; K.
    out_activation_ : str
        "softmax".
    engine_ : str
        Name of the engine that trained.

    References
    ----------
    Hinton, "Connectionist learning procedures" (1989). Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks" (2010), for the initial weights and biases.
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        dropout: float = 0.0,
        label_smoothing: float = 0.0,
        input_scale: float = 1.0,
        engine: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.input_scale = input_scale
        self.engine = engine

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train from new initial parameters.

        Parameters
        ----------
        X : array_like of shape (N, D)
            Finite numbers; float64, float32 and uint8 are not copied.
        y : array_like of shape (N,)
            Labels: integers, strings, anything that sorts.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.

        Raises
        ------
        InvalidInput
            If a hyper-parameter or a weight is not as above. Like all errors that scikit-learn raises for X
            and y, it is a ValueError.
        EngineUnavailable
            If the engine asked for cannot serve here.
        TrainingDiverged
            If the loss or a parameter becomes NaN or infinite.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` epochs ended before the loss, or the validation score, had stalled; never for
            one_cycle and cosine.
        """
        check_hyperparameters(self.get_params(deep=False))
        features, targets = validate_data(self, X, y, dtype=list(X_DTYPES))
        check_classification_targets(targets)
        self.classes_, labels = np.unique(targets, return_inverse=True)
        rows = _Rows(features, labels.astype(np.int64), _checked_weights(sample_weight, len(labels)))
        if rows.weights is not None and not rows.weights.all():
            rows = rows.take(np.flatnonzero(rows.weights))
        seed = self._seed()
        train, validation = self._split(rows, seed) if self.early_stopping else (rows, None)

        network = self._network()
        dtype = np.float64 if features.dtype == np.float64 else np.float32
        problem = self._problem(network, train, seed)
        engine = select_engine(self.engine, problem, dtype).engine
        schedule = self._schedule()
        scores: list[float] = []
        loop = TrainingLoop(
            engine,
            problem,
            TrainingPlan(self.max_iter, self.learning_rate_init, schedule, seed),
            Parameters.initialise(network, "glorot", seed, dtype),
            watched=(lambda: [-score for score in scores]) if self.early_stopping else None,
        )
        parameters = self._train(loop, schedule, engine, validation, scores)

        self.network_ = network
        self.engine_ = engine.name
        self.coefs_ = list(parameters.weights)
        self.intercepts_ = list(parameters.biases)
        self.n_layers_ = len(network.sizes)
        self.n_outputs_ = network.sizes[-1]
        self.out_activation_ = network.output
        self.loss_curve_ = loop.history.column("train_loss")
        self.loss_ = self.loss_curve_[-1]
        self.n_iter_ = len(self.loss_curve_)
        self.t_ = self.n_iter_ * len(train.X)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row.

        Parameters
        ----------
        X : array_like of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N,), of the labels' dtype
        """
        numbers = self._logits(X).argmax(axis=1)
        return np.asarray(self.classes_[numbers])

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Probability of each class.

        Parameters
        ----------
        X : array_like of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N, K), of the parameters' dtype
            Columns in the order of ``classes_``.
        """
        return softmax(self._logits(X))

    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Logarithm of the probability of each class: finite where the probability itself rounds to 0.

        Parameters
        ----------
        X : array_like of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N, K), of the parameters' dtype
            In nats; columns in the order of ``classes_``.
        """
        return log_softmax(self._logits(X))

    def _logits(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self, "coefs_")
        features = validate_data(self, X, dtype=list(X_DTYPES), reset=False)
        flat = np.concatenate([array.ravel() for array in (*self.coefs_, *self.intercepts_)])
        engine = select_engine(self.engine, dtype=flat.dtype).engine
        return engine.logits(Parameters(self.network_, flat), features)

    def _train(
        self,
        loop: TrainingLoop,
        schedule: Schedule,
        engine: Engine,
        validation: _Rows | None,
        scores: list[float],
    ) -> Parameters:
        """Run the epochs until the stopping rule ends them; the parameters to keep.

        The accuracy on the validation rows after each epoch is appended to ``scores``.
        """
        stall = Stall(self.tol, self.n_iter_no_change)
        best = loop.parameters()
        for record in loop.epochs():
            if validation is None:
                stalled = stall.add(record.train_loss) and not schedule.needs_n_epochs
            else:
                parameters = loop.parameters()
                scores.append(_accuracy(engine.logits(parameters, validation.X), validation))
                stalled = stall.add(-scores[-1])
                if stall.improved:
                    best = parameters
            may_slow_down = self.learning_rate == "adaptive" and record.learning_rate > LEAST_RATE
            if stalled and not may_slow_down:
                break
        else:
            if not schedule.needs_n_epochs:
                warnings.warn(
                    f"training ended after max_iter={self.max_iter} epochs, before "
                    f"{'the training loss' if validation is None else 'the validation score'} had stopped to "
                    "improve: raise max_iter, learning_rate_init or tol",
                    ConvergenceWarning,
                    stacklevel=3,
                )
        if validation is None:
            self.best_loss_: float | None = stall.best
            self.validation_scores_: list[float] | None = None
            self.best_validation_score_: float | None = None
            return loop.parameters()
        self.best_loss_ = None
        self.validation_scores_ = scores
        self.best_validation_score_ = -stall.best
        return best

    def _seed(self) -> int:
        """The seed of all that a fit draws: an integer ``random_state`` itself, else a draw from it."""
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _network(self) -> Network:
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=np.int64))
        return Network(
            sizes=(self.n_features_in_, *hidden.tolist(), len(self.classes_)),
            activation=self.activation,
            dropout=self.dropout,
            input_scale=self.input_scale,
        )

    def _problem(self, network: Network, train: _Rows, seed: int) -> TrainingProblem:
        n_rows = len(train.X)
        batch_size = min(200, n_rows) if self.batch_size == "auto" else int(self.batch_size)
        if batch_size > n_rows:
            warnings.warn(
                f"batch_size={batch_size} is more than the {n_rows} training rows; every step takes them all",
                stacklevel=3,
            )
            batch_size = n_rows
        mean_weight = 1.0 if train.weights is None else float(train.weights.mean())
        return TrainingProblem(
            network=network,
            objective=Objective(
                label_smoothing=self.label_smoothing, l2=self.alpha / (batch_size * mean_weight)
            ),
            optimizer=self._optimizer(),
            X=train.X,
            y=train.y,
            sample_weight=train.weights,
            batch_size=batch_size,
            noise_seed=seed,
        )

    def _optimizer(self) -> Optimizer:
        if self.solver == "sgd":
            return SGD(momentum=self.momentum, nesterov=self.nesterovs_momentum)
        return Adam(beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon)

    def _schedule(self) -> Schedule:
        match self.learning_rate:
            case "invscaling":
                return InverseScaling(self.power_t)
            case "adaptive":
                # n_iter_no_change may be inf, which no count of epochs exceeds.
                return Adaptive(self.tol, self.n_iter_no_change)  # type: ignore[arg-type]
            case "one_cycle":
                return OneCycle()
            case "cosine":
                return Cosine()
            case _:
                return Constant()

    def _split(self, rows: _Rows, seed: int) -> tuple[_Rows, _Rows]:
        """Training and validation rows."""
        from sklearn.model_selection import train_test_split

        n_held_out = math.ceil(self.validation_fraction * len(rows.y))
        sizes = np.unique_counts(rows.y).counts
        in_proportion = sizes.min() >= 2 and len(sizes) <= min(n_held_out, len(rows.y) - n_held_out)
        kept, held_out = train_test_split(
            np.arange(len(rows.y)),
            test_size=self.validation_fraction,
            random_state=seed,
            stratify=rows.y if in_proportion else None,
        )
        return rows.take(np.sort(kept)), rows.take(np.sort(held_out))


def _accuracy(logits: NDArray[Any], rows: _Rows) -> float:
    return float(np.average(logits.argmax(axis=1) == rows.y, weights=rows.weights))


def _checked_weights(weights: ArrayLike | None, n_rows: int) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    w = check_array(weights, dtype=np.float64, ensure_2d=False, input_name="sample_weight")
    if w.shape != (n_rows,):
        raise InvalidInput(
            f"sample_weight must have a weight for each of the {n_rows} rows; got shape {w.shape}"
        )
    if not (w.min() >= 0 and 0 < w.sum() < math.inf):
        raise InvalidInput(
            "sample_weight must be at least 0 and finite, with a finite sum, and not all zero; got weights "
            f"from {w.min():g} to {w.max():g}"
        )
    return np.asarray(w)
