"""The mathematics under every network: softmax, activations, losses, and the check of their derivatives.

Pure functions of NumPy arrays. Nothing here knows of networks, engines or files.
"""
