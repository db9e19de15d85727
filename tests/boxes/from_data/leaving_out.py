"""The definition of the leave-one-out error: a fit for each row."""


def leaving_out(fit, weights, y):
    """The mean squared error of fit(weights less 1 at row i) at row i: the definition, weights as counts."""
    errors = []
    for i in range(len(y)):
        fewer = weights.copy()
        fewer[i] -= 1
        errors.append(weights[i] * (fit(fewer)[i] - y[i]) ** 2)
    return sum(errors) / weights.sum()
