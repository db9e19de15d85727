"""A multilayer perceptron that classifies: two classes, several, or several labels.

A row has several labels where y is an indicator matrix. The fit is that of ``multilayer_perceptron``.
Dimensions: N samples, D features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from treadle.engines.objective import Objective
from treadle.errors import InvalidInput
from treadle.estimators.labels import GivenTargets, one_column, plain_labels
from treadle.estimators.mlp.calibration import cooled, temperature_of
from treadle.estimators.mlp.class_targets import ClassTargets, is_multilabel
from treadle.estimators.mlp.class_weights import ClassWeight, with_class_weights
from treadle.estimators.mlp.fitted import Fitted
from treadle.estimators.mlp.multilayer_perceptron import MultilayerPerceptron, check_mini_batches
from treadle.estimators.mlp.starts import Fresh, Start, WarmStart
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import store
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Parameters
from treadle.training.callbacks import Callbacks

if TYPE_CHECKING:
    from sklearn.utils import Tags


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):  # type: ignore[misc]  # scikit-learn has no types
    r"""Classify rows with a feed-forward network, compatible with scikit-learn's MLPClassifier.

    Minimises cross-entropy plus an L2 penalty, a batch of n rows with weights c_i at a time::

        sum_i c_i (-log p_i[y_i]) / sum_i c_i + alpha / (2 n c) * sum of squared weights

    p being the softmax of K outputs; for two classes the logistic function of one output, and for several
    labels a row of one output each, summed over the labels. n is the batch size and c the mean weight of all
    rows, 1 without weights. So the penalty is scikit-learn's, with one exception: the last batch of an epoch,
    if it is smaller, has the same penalty as the others, where scikit-learn divides alpha by its own size.

    float64 X trains float64 parameters, float32 X and uint8 X float32 ones. uint8 X is never converted as a
    whole: see ``input_scale``. X of any other type becomes float64.

    Parameters
    ----------
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
        Of the training rows, held out by early stopping: as many of each class
        as there should be, where there are enough.
    beta_1, beta_2 : float in [0, 1), default=0.9, 0.999
        For adam.
    epsilon : float > 0, default=1e-8
        For adam.
    n_iter_no_change : int or inf, default=10
        Training stops after more than so many stalled epochs in a row (adaptive: once its rate is least).
    max_fun : int, default=15000
        Evaluations of the objective at most, for lbfgs.
    scoring : None, "loss", str or callable, default=None
        What rows held out are judged by: accuracy, minus the loss, or a scorer of scikit-learn by name or as
        a function of the estimator, X and y.
    dropout : float in [0, 1) or sequence of float, default=0.0
        Probability with which the output of a hidden unit is zeroed in a step of training.
    batch_norm : bool or sequence of bool, default=False
        Whether the sums of each hidden unit are normalised over the rows of a batch.
    label_smoothing : float in [0, 1), default=0.0
        Share of each label that is spread evenly over all classes; of several labels, over yes and no.
    class_weight : None, "balanced" or mapping, default=None
        What rows of a class weigh in training, beside ``sample_weight``: "balanced" gives all classes the
        same weight together; a mapping from labels leaves the others at 1.
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
    classes_ : ndarray of shape (K,)
        Labels, sorted; for several labels a row, the numbers of their columns.
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
        "softmax", or "logistic" for two classes and for several labels a row.
    engine_ : str
        Name of the engine that trained.
    temperature_ : float
        What logits are divided by for probabilities: 1 until ``calibrate``.

    References
    ----------
    Hinton, "Connectionist learning procedures" (1989). Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks" (2010), for the initial weights and biases. Kingma and Ba,
    "Adam" (2015). Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).

    Examples
    --------
    >>> from treadle import MLPClassifier
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"]
    >>> model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict([[0.5], [3.5]]).tolist(), model.predict_proba([[0.5]]).shape
    (['low', 'high'], (1, 2))
    """

    _multilabel = False
    _classifies = True

    def __init__(
        self,
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
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
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
        y : array_like of shape (N,), or (N, K) of zeros and ones
            Labels: whole numbers, texts, booleans or dates, also of dtype object or pandas' own types; or
            which of K labels a row has.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.
        X_val, y_val : as X and y, optional
            Rows to judge each epoch by, never trained on.

        Raises
        ------
        InvalidInput
            If a hyper-parameter, a weight or a label is not as above. Like all errors that scikit-learn
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
        y, y_val = plain_labels(y), plain_labels(y_val)
        self._fit(X, y, sample_weight, X_val, y_val)
        return self

    @available_if(check_mini_batches)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: object,
        y: object,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
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
        y : array_like of shape (N,), or (N, K) of zeros and ones
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. Rows of weight 0 are left out. None: all 1.
        classes : array_like of shape (K,), optional
            All labels that any call will see; needed in the first.
        X_val, y_val : as X and y, optional
            Rows to judge each epoch by, never trained on.
            With ``early_stopping`` they are needed; once ``stopped_early_`` is True, the parameters are those
            of the best epoch.

        Raises
        ------
        InvalidInput
            As ``fit``; if classes are missing in the first call, or others than in the first; if the learning
            rate is planned for a whole fit.
        """
        y, y_val = plain_labels(y), plain_labels(y_val)
        self._classes_of_all_calls(y, classes)
        self._fit_more(X, y, sample_weight, X_val, y_val)
        return self

    def predict(self, X: object) -> NDArray[np.generic]:
        """Predict each row's most probable class, or all its probable labels.

        Those are the labels that are more probable than not.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N,), of the labels' dtype; or (N, K), zeros and ones
        """
        logits = self._logits(X)
        return self._class_targets().decode(logits)

    def predict_proba(self, X: object) -> Floats:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N, K), of the parameters' dtype
            Columns in the order of ``classes_``. Rows sum to 1, but not those of several labels a row.
        """
        logits = cooled(self._logits(X), self.temperature_)
        return self._class_targets().probabilities(logits)

    def predict_log_proba(self, X: object) -> Floats:
        """Predict the logarithm of each class's probability.

        It is finite where the probability itself rounds to 0.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N, K), of the parameters' dtype
            In nats; columns in the order of ``classes_``.
        """
        logits = cooled(self._logits(X), self.temperature_)
        return self._class_targets().log_probabilities(logits)

    def score(self, X: object, y: object, sample_weight: ArrayLike | None = None) -> float:
        """Compute the accuracy of ``predict``.

        Of several labels a row, it is the share of rows that have all of them right.

        Parameters
        ----------
        X, y, sample_weight
            Of the kinds that ``fit`` takes.
        """
        return float(super().score(X, plain_labels(y), sample_weight))

    def calibrate(self, X: object, y: object, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the temperature that logits are divided by before they become probabilities.

        It minimises the cross-entropy of these rows, which must not be those that the network was trained
        on: a network is too sure of itself on what it has seen. ``predict`` stays the same. The next ``fit``
        or ``partial_fit`` sets ``temperature_`` back to 1.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
        y : array_like of shape (N,), or (N, K) of zeros and ones
            As in ``fit``, with no other classes.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. None: all 1.

        Returns
        -------
        self
            With ``temperature_``, a float from 0.01 to 100.

        Raises
        ------
        InvalidInput
            If y holds a class that the network does not know, or a weight is not as above.
        NotFittedError
            If the estimator is not fitted.

        Warns
        -----
        UserWarning
            If no temperature is best, as where every row is classified right: see
            ``treadle.maths.temperature``.

        References
        ----------
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017).
        """
        logits = self._logits(X)
        self.temperature_ = temperature_of(self._class_targets(), logits, y, sample_weight)
        return self

    def _fitted(self) -> Fitted:
        return replace(super()._fitted(), classes=self._class_targets(), temperature=self.temperature_)

    def _become(self, fitted: Fitted) -> None:
        super()._become(fitted)
        self.temperature_ = fitted.temperature
        if fitted.classes is not None:
            self.classes_, self._multilabel = fitted.classes.classes, fitted.classes.multilabel

    def _show(self, parameters: Parameters) -> None:
        super()._show(parameters)
        self.temperature_ = 1.0

    def _class_targets(self) -> ClassTargets:
        return ClassTargets(self.classes_, self._multilabel)

    def _classes_of_all_calls(self, y: object, classes: ArrayLike | None) -> None:
        """Take the classes from the first call; refuse others in later calls."""
        if classes is None:
            if not hasattr(self, "classes_"):
                raise InvalidInput("classes must be passed on the first call to partial_fit.")
            return
        given = np.unique(plain_labels(np.asarray(classes)))
        if not hasattr(self, "classes_"):
            self.classes_, self._multilabel = given, is_multilabel(y)
        elif not np.array_equal(self.classes_, given):
            raise InvalidInput(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                f"was: {self.classes_!r}"
            )

    def _learn(self, start: Start, y: GivenTargets) -> tuple[ClassTargets, Numbers]:
        y = one_column(y)
        match start:
            case Fresh():
                found = ClassTargets.of(y)
                self.classes_, self._multilabel = found.classes, found.multilabel
            case WarmStart():
                classes = ClassTargets.of(y).classes
                if not np.array_equal(classes, self.classes_):
                    raise InvalidInput(
                        "warm_start can only be used where `y` has the same classes as in the previous call "
                        f"to fit. Previously got {self.classes_}, `y` has {classes}"
                    )
        kind = self._class_targets()
        return kind, kind.encode(y)

    def _objective(self, kind: Targets, l2: float) -> Objective:
        assert isinstance(kind, ClassTargets)
        return kind.objective(self.label_smoothing, l2)

    def _weights_in_training(
        self,
        start: Start,
        targets: Numbers,
        sample_weight: NDArray[np.float64] | None,
    ) -> NDArray[np.float64] | None:
        if self.class_weight is None:
            return sample_weight
        return with_class_weights(
            self.class_weight, self._class_targets(), targets, sample_weight, has_all_rows=not start.is_part
        )

    def __sklearn_tags__(self) -> Tags:
        """Allow several labels a row."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
