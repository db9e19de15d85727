"""The exceptions: caught as Python's own kinds, in messages that a terminal shows, whole after a pickle."""

import pickle

import pytest

from treadle import errors

KINDS = {
    "InvalidInput": (ValueError,),
    "DataUnavailable": (OSError,),
    "CorruptFile": (ValueError,),
    "RunError": (),
    "EngineUnavailable": (),
    "MissingDependency": (ImportError,),
    "CertificateFailed": (ArithmeticError,),
    "TrainingDiverged": (ArithmeticError, ValueError),
    "FitsFailed": (),
}
RAISED = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
]


def made(name, message):
    kind = getattr(errors, name)
    return kind(message, {1: ValueError("of one fit")}) if name == "FitsFailed" else kind(message)


def test_there_are_no_others_than_the_documented_ones():
    own = {kind.__name__ for kind in RAISED if issubclass(kind, errors.TreadleError)}
    assert own == {"TreadleError", *KINDS}
    for kind in RAISED:
        assert kind.__name__ in errors.__doc__
        assert issubclass(kind, errors.TreadleError) or issubclass(kind, UserWarning)


@pytest.mark.parametrize("name", KINDS)
def test_each_is_caught_as_what_python_has_for_it(name):
    for kind in (errors.TreadleError, *KINDS[name]):
        with pytest.raises(kind, match="a message"):
            raise made(name, "a message")


def test_what_a_file_brings_into_a_message_gives_no_orders_and_stays_short():
    text = str(errors.CorruptFile("bad \x1b[31m name\nsecond line " + "x" * 10**6 + " the end"))
    assert "\x1b" not in text and r"\x1b[31m" in text
    assert text.startswith("bad ") and text.endswith(" the end")
    assert len(text) < 5000 and len(text.splitlines()) == 2


@pytest.mark.parametrize("name", KINDS)
def test_an_error_of_another_process_says_the_same(name):
    error = made(name, "a \x07 message")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) == r"a \x07 message"
