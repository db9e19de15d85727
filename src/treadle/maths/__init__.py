"""The mathematics of networks: softmax, activations, losses, and checked derivatives.

Pure functions of NumPy arrays. Nothing here knows of networks, engines or files.
"""
