"""The parts of gpu_check.py: agreement of the torch engine, and its times.

A section has two files. One is its face in gpu_check.py: ``measure(settings, until)``, ``problems(record)``
and ``page(record)``. The other, ``..._part.py``, runs in processes of its own: a device that one of them
spoils is whole for the next, and one that takes too long is ended. ``bare_package`` lets all of them import
treadle where PyTorch and NumPy are all that is installed.
"""
