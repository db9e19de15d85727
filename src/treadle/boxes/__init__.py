"""Networks built from boxes by construction, with a proved bound on their error."""
