"""Standard errors, intervals, and fits of several quantiles."""
