"""The interior-point method for min sum max(l r, h r) - g'theta."""
