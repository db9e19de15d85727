"""What gpu_check.py runs: treadle's torch engine on a GPU, held against NumPy, against the CPU, and timed.

A section has a file for its part in gpu_check.py, ``measure(settings, until)`` and ``page(record)``, and a
file for what it runs in processes of their own: a device that one of them spoils is whole for the next, and
one that takes too long is ended. ``bare_package`` lets all of them import treadle where PyTorch and NumPy are
all that is installed.
"""
