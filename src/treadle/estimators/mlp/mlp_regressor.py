"""A multilayer perceptron that predicts numbers, of one output or several.

It has four losses. The fit is that of ``multilayer_perceptron``. Dimensions: N samples, D features, K
outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from treadle.engines.objective import Objective
from treadle.engines.predictor import output_of
from treadle.errors import InvalidInput
from treadle.estimators.labels import GivenTargets
from treadle.estimators.mlp.multilayer_perceptron import MultilayerPerceptron, check_mini_batches
from treadle.estimators.mlp.number_targets import LOSS_NAMES, NumberTargets
from treadle.estimators.mlp.starts import Start
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import store
from treadle.maths.dtypes import Floats, Numbers
from treadle.training.callbacks import Callbacks


class MLPRegressor(RegressorMixin, MultilayerPerceptron):  # type: ignore[misc]  # scikit-learn has no types
    r"""Predict numbers with a feed-forward network, compatible with scikit-learn's MLPRegressor.

    Minimises a loss plus an L2 penalty, a batch of n rows with weights c_i at a time::

        sum_i c_i sum_k loss(p_ik, y_ik) / sum_i c_i + alpha / (2 n c) * sum of squared weights

    n is the batch size and c the mean weight of all rows, 1 without weights. The sum over outputs k is that
    whose gradient scikit-learn follows too; what scikit-learn tells as the loss of several outputs is its
    mean over them. The last batch of an epoch, if it is smaller, has the same penalty as the others, where
    scikit-learn divides alpha by its own size.

    float64 X trains float64 parameters, float32 X and uint8 X float32 ones. uint8 X is never converted as a
    whole: see ``input_scale``. X of any other type becomes float64.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson"}, default="squared_error"
        Half the squared error; the absolute error, whose minimum is the median; Huber's loss, which is the
        one near 0 and the other beyond ``huber_delta``; or half the Poisson deviance of an output that is an
        exponential, for y of at least 0.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; empty for none.
    activation : str or sequence of str, default="relu"
        Of the hidden layers, one name for all or one a layer: relu, identity, logistic, tanh, gelu,
        silu, selu, mish.
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        The update rule of mini-batches, or L-BFGS on all rows at once. Adam's ``epsilon`` is added to the
        corrected second moment, as in the paper; in scikit-learn to the one that is not corrected.
    alpha : float >= 0, default=0.0001
        Strength of the L2 penalty; biases have none.
    batch_size : int or "auto", default="auto"
        Rows in a step; "auto" is min(200, N).
    learning_rate : {"constant", "invscaling", "adaptive", "one_cycle", "cosine"}, default="constant"
        How the rate goes on from ``learning_rate_init``. For sgd only, as in scikit-learn, are invscaling
        (divided by ``(1 + rows seen)**power_t``, set anew each epoch) and adaptive (divided by 5 at each
        stall, see ``tol``, until it is 1e-6 or less). For adam too are one_cycle (from 0 up to it in the
        first 30 % of the steps and down to 0) and cosine (up in the first 5 %, then down half a cosine). A
        new rate acts on the whole of sgd's next step; scikit-learn leaves the momentum at the old one.
    learning_rate_init : float > 0, default=0.001
        The largest rate.
    power_t : float >= 0, default=0.5
        Exponent of invscaling.
    max_iter : int, default=200
        Epochs at most, or iterations of lbfgs; exactly so many epochs for one_cycle and cosine, whose course
        they set, unless early stopping ends them.
    shuffle : bool, default=True
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None, default=None
        Of initial weights, order of the rows, dropout and validation rows. With an int, the same arguments
        give the same bits.
    tol : float >= 0, default=0.0001
        An epoch stalls if its training loss is above the best so far less ``tol``; under early stopping, if
        its validation score is below the best plus ``tol``. For lbfgs, the largest entry of the gradient at
        which the search has converged.
    verbose : bool or int, default=False
        Whether to print each epoch's loss, and score if any, to standard output.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the parameters that an earlier fit ended with.
    momentum : float in [0, 1], default=0.9
        For sgd.
    nesterovs_momentum : bool, default=True
        For sgd.
    early_stopping : bool, default=False
        Stop by the score on rows held out, and keep the parameters of the epoch that had the best. The rows
        are those given to ``fit``, or else taken out of the training rows. Not for lbfgs.
    validation_fraction : float in [0, 1), default=0.1
        Of the training rows, held out by early stopping.
    beta_1, beta_2 : float in [0, 1), default=0.9, 0.999
        For adam.
    epsilon : float > 0, default=1e-8
        For adam.
    n_iter_no_change : int or inf, default=10
        Training stops after more than so many stalled epochs in a row (adaptive: once its rate is least).
    max_fun : int, default=15000
        Evaluations of the objective at most, for lbfgs.
    scoring : None, "loss", str or callable, default=None
        What rows held out are judged by: R^2, minus the loss, or a scorer of scikit-learn by name or as a
        function of the estimator, X and y.
    dropout : float in [0, 1) or sequence of float, default=0.0
        Probability with which the output of a hidden unit is zeroed in a step of training.
    batch_norm : bool or sequence of bool, default=False
        Whether the sums of each hidden unit are normalised over the rows of a batch.
    huber_delta : float > 0, default=1.0
        Of the loss huber: the residual at which the square becomes a line, in units of y.
    weight_decay : float >= 0, default=0.0
        Decoupled decay of the weights, per unit of learning rate: adam becomes AdamW.
    input_scale : float, default=1.0
        The network sees ``X * input_scale``, in fit and in prediction: 1/255 lets pixels stay uint8.
    engine : {"auto", "native", "numpy", "torch"}, default="auto"
        What computes, here and in prediction; see ``treadle.select_engine``.
    precision : {"auto", "float32", "float64", "bfloat16"}, default="auto"
        Of the parameters; "auto" goes by X, as above. bfloat16: of the matrix products of training, the
        parameters being float32; for the native engine on processors that have it, and not for lbfgs.
    n_threads : int or None, default=None
        Threads of the native engine; None: as many as there is work for.
    callbacks : callback, function, sequence of such, or None, default=None
        See ``treadle.training.callbacks``.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (D,)
        Where X had names.
    coefs_ : list of ndarray of shape (n_in, n_out)
    intercepts_ : list of ndarray of shape (n_out,)
    batch_norm_ : dict of lists of ndarray
        With batch normalisation: scales, running_means and running_variances of the layers that have it.
    network_ : Network
    loss_curve_ : list of float
        The objective of each epoch, the mean over its rows, each just before its batch's update; or of each
        iteration of lbfgs. Warm starts and ``partial_fit`` append to it.
    loss_ : float
        The last of ``loss_curve_``.
    best_loss_ : float or None
        The least of ``loss_curve_``; None with early stopping.
    validation_scores_, validation_loss_curve_ : list of float, or None
        Score and loss, without the penalty, on the rows held out, after each epoch; None without such rows.
    best_validation_score_ : float or None
    history_ : dict of lists
        A table with a row for each epoch: epoch, train_loss, learning_rate, seconds and, with rows held out,
        held_out_loss and held_out_score. ``pandas.DataFrame(history_)`` takes it.
    n_iter_ : int
        Epochs, or iterations, of the last fit.
    t_ : int
        Rows seen in all.
    stopped_early_ : bool
        Whether the stopping rule ended the training.
    n_layers_, n_outputs_ : int
        Layers, inputs and outputs included; outputs.
    out_activation_ : str
        "identity", or "exp" for the loss poisson.
    engine_ : str
        Name of the engine that trained.

    References
    ----------
    Hinton, "Connectionist learning procedures" (1989). Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks" (2010), for the initial weights and biases. Kingma and Ba,
    "Adam" (2015). Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).

    Examples
    --------
    >>> from treadle import MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> model = MLPRegressor(activation="identity", solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict([[10.0]]).round(1).tolist(), model.score(X, y) > 0.999
    ([21.0], True)
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool | Sequence[bool] = False,
        huber_delta: float = 1.0,
        weight_decay: float = 0.0,
        input_scale: float = 1.0,
        engine: str = "auto",
        precision: str = "auto",
        n_threads: int | None = None,
        callbacks: Callbacks = None,
    ) -> None:
        store(self, locals())

    def fit(
        self,
        X: object,
        y: object,
        sample_weight: ArrayLike | None = None,
        X_val: object = None,
        y_val: object = None,
    ) -> Self:
        """Train from new parameters, or with ``warm_start`` from the last fit's.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
            Finite numbers: NumPy, pandas, polars, PyArrow or SciPy. float64, float32 and uint8 are not
            copied, and sparse rows never made dense as a whole.
        y : array_like of shape (N,) or (N, K)
            Finite numbers; at least 0 for the loss poisson.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.
        X_val, y_val : as X and y, optional
            Rows to judge each epoch by, never trained on.

        Raises
        ------
        InvalidInput
            If a hyper-parameter, a weight or a target is not as above. Like all errors that scikit-learn
            raises for X and y, it is a ValueError.
        EngineUnavailable
            If the engine that is named cannot serve here.
        TrainingDiverged
            If the loss or a parameter becomes NaN or infinite, without early stopping.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` epochs ended before the loss, or the validation score, had stalled, never for
            one_cycle and cosine; if lbfgs ended before it converged; if training under early stopping
            diverged.
        """
        self._fit(X, y, sample_weight, X_val, y_val)
        return self

    @available_if(check_mini_batches)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: object,
        y: object,
        sample_weight: ArrayLike | None = None,
        X_val: object = None,
        y_val: object = None,
    ) -> Self:
        """Train one more epoch on these rows.

        As many calls on the same rows are ``fit``.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
            Finite numbers: NumPy, pandas, polars, PyArrow or SciPy. float64, float32 and uint8 are not
            copied, and sparse rows never made dense as a whole.
        y : array_like of shape (N,) or (N, K)
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.
        X_val, y_val : as X and y, optional
            Rows to judge each epoch by, never trained on.
            With ``early_stopping`` they are needed; once ``stopped_early_`` is True, the parameters are those
            of the best epoch.

        Raises
        ------
        InvalidInput
            As ``fit``; if the learning rate is planned for a whole fit.
        """
        self._fit_more(X, y, sample_weight, X_val, y_val)
        return self

    def predict(self, X: object) -> Floats:
        """Predict the numbers of each row.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N,) or (N, K), of the parameters' dtype
        """
        logits = self._logits(X)
        outputs = output_of(self.network_.output, logits)
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.huber_delta != 1 and self.loss != "huber":
            raise InvalidInput(f"huber_delta={self.huber_delta!r} is for loss='huber'; got {self.loss!r}")

    def _learn(self, start: Start, y: GivenTargets) -> tuple[NumberTargets, Numbers]:
        kind = NumberTargets(1 if y.ndim == 1 else y.shape[1], self.loss)
        return kind, kind.encode(y)

    def _objective(self, kind: Targets, l2: float) -> Objective:
        return Objective(LOSS_NAMES[self.loss], huber_delta=self.huber_delta, l2=l2)
