"""Calls a function in several threads that begin together, or in a forked child."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor


def in_threads(n, function):
    """Call the function in each of n threads; what the calls gave, or the error of the first that failed."""
    start = threading.Barrier(n)

    def call():
        start.wait(60)
        return function()

    with ThreadPoolExecutor(n) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(n)]]


def agrees_in_a_child(function):
    """Whether a forked child's call gives what a call here gives."""
    wanted = function()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if function() == wanted else 1
        finally:
            os._exit(status)  # what it has inherited of the test run ends with it
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
