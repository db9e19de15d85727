"""Ten public data sets that scikit-learn and statsmodels ship: nothing is downloaded, and none is made up.

What is to be predicted, and from what, is said at each. Categories that are numbers stay numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PublicData:
    """A table to learn from.

    ``y`` is of integers where rows are to be classified. ``max_iter`` bounds what a fit takes: about a
    second.
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]
    max_iter: int = 200

    @property
    def classifies(self) -> bool:
        """Whether y is of classes."""
        return self.y.dtype.kind == "i"


def _of_scikit_learn(name: str) -> PublicData:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return PublicData(name, np.asarray(X, float), y.astype(np.int64) if name != "diabetes" else y)


def _of_statsmodels(
    name: str, features: list[str]
) -> tuple[NDArray[np.float64], Callable[[str], NDArray[np.float64]]]:
    import statsmodels.api

    frame = getattr(statsmodels.api.datasets, name).load_pandas().data
    return frame[features].to_numpy(float), lambda column: frame[column].to_numpy(float)


def _affairs() -> PublicData:
    features = ["rate_marriage", "age", "yrs_married", "children", "religious", "educ", "occupation"]
    X, column = _of_statsmodels("fair", [*features, "occupation_husb"])
    return PublicData("affairs: any or none", X, (column("affairs") > 0).astype(np.int64), 40)


def _votes() -> PublicData:
    X, column = _of_statsmodels("anes96", ["logpopul", "TVnews", "selfLR", "age", "educ", "income"])
    return PublicData("1996 election: Clinton or Dole", X, column("vote").astype(np.int64))


def _doctor_visits() -> PublicData:
    features = ["lncoins", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp"]
    X, column = _of_statsmodels("randhie", features)
    return PublicData("doctor visits, log(1 + count)", X, np.log1p(column("mdvis")), 15)


def _food() -> PublicData:
    X, column = _of_statsmodels("engel", ["income"])
    return PublicData("Engel's food expenditure", X, column("foodexp"))


def _tests() -> PublicData:
    features = ["LOWINC", "PERASIAN", "PERBLACK", "PERHISP", "PERMINTE", "AVYRSEXP", "AVSALK", "PERSPENK"]
    X, column = _of_statsmodels("star98", [*features, "PTRATIO", "PCTAF", "PCTCHRT", "PCTYRRND"])
    above, below = column("NABOVE"), column("NBELOW")
    return PublicData("school tests: share above the median", X, above / (above + below))


DATA_SETS: dict[str, Callable[[], PublicData]] = {
    **{
        name: (lambda name=name: _of_scikit_learn(name))  # type: ignore[misc]
        for name in ("iris", "wine", "breast_cancer", "digits", "diabetes")
    },
    "affairs": _affairs,
    "votes": _votes,
    "doctor_visits": _doctor_visits,
    "food": _food,
    "tests": _tests,
}
