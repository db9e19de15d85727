import numpy as np
import pytest

from tests.training.training_cases import Noting, make_loop, result
from treadle.errors import InvalidInput
from treadle.training.callbacks import Callback, Training, as_callbacks
from treadle.training.early_stopping import EarlyStopping


def test_callbacks_are_called_in_their_order_and_end_in_the_opposite_one():
    log = []
    Training(make_loop(), [Noting(log, "a"), Noting(log, "b", stop_at=2)]).run()
    assert log == [
        *("abegin 0", "bbegin 0", "aepoch 1", "bepoch 1", "aepoch 2", "bepoch 2"),
        *("bend 2", "aend 2"),
    ]


def test_whoever_stops_the_others_still_see_the_epoch():
    log = []
    first = Noting(log, "a", stop_at=1)
    training = Training(make_loop(), [first, Noting(log, "b", stop_at=1)])
    training.run()
    assert log[-3:] == ["bepoch 1", "bend 1", "aend 1"]
    assert training.stopped_by is first


@pytest.mark.parametrize("place", ["on_fit_begin", "on_epoch_end", "on_fit_end"])
def test_the_end_is_told_after_an_exception_too(place):
    log = []

    class Failing(Callback):
        pass

    def fail(self, training):
        raise KeyError(place)

    setattr(Failing, place, fail)
    with pytest.raises(KeyError, match=place):
        Training(make_loop(), [Noting(log), Failing()]).run()
    assert log[0] == "begin 0" and log[-1].startswith("end ")


def test_a_function_is_called_each_epoch_and_only_true_stops():
    seen = []
    Training(make_loop(), lambda training: seen.append(training.record.epoch) or "yes").run()
    assert seen == [1, 2, 3, 4, 5]
    for true in (True, np.True_):
        training = Training(
            make_loop(), lambda training, true=true: true if training.record.epoch == 3 else 1
        )
        training.run()
        assert len(training.history) == 3


def test_training_without_callbacks_is_the_loop():
    loop, plain = make_loop(), make_loop()
    Training(loop).run()
    list(plain.epochs())
    assert result(loop) == result(plain)


class OfScikitLearn:
    def on_fit_task_end(self, estimator, context):
        """Stands for any callback of scikit-learn."""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "callbacks must be a callback, a function of the training, or a sequence of such; got 5"),
        ("progress", "got 'progress'"),
        ([None], "got None"),
        (EarlyStopping, "callbacks must be instances; got the class EarlyStopping: call it"),
        (OfScikitLearn(), "OfScikitLearn is a callback of scikit-learn: give it to the estimator's set_call"),
    ],
)
def test_what_is_no_callback_is_refused(value, message):
    with pytest.raises(InvalidInput, match=message):
        as_callbacks(value)


def test_no_record_before_the_first_epoch():
    with pytest.raises(InvalidInput, match="there is no record before the end of the first epoch"):
        _ = Training(make_loop()).record
