import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from treadle.hardware.blas_threads import one_blas_thread


def n_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_nested_use_ends_where_it_began():
    before = n_threads()
    with one_blas_thread():
        with one_blas_thread():
            assert n_threads() == {1}
        assert n_threads() == {1}
    assert n_threads() == before


def test_an_error_inside_lifts_the_limit():
    before = n_threads()
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0  # noqa: B018
    assert n_threads() == before


# In a process of its own, since the tests' has one BLAS thread throughout.
TWO_THREADS = """
import threading
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from treadle.hardware.blas_threads import one_blas_thread

np.ones((2, 2)) @ np.ones((2, 2))
n_threads = lambda: {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
seen = []
first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

def first():
    with one_blas_thread():
        first_is_in.set()
        second_is_in.wait(10)
        seen.append(n_threads())
    first_is_out.set()

def second():
    first_is_in.wait(10)
    with one_blas_thread():
        second_is_in.set()
        first_is_out.wait(10)
        seen.append(n_threads())

with threadpool_limits(2, "blas"):
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(seen, n_threads())
"""


def test_calls_that_overlap_keep_the_limit_and_the_last_lifts_it():
    done = subprocess.run([sys.executable, "-c", TWO_THREADS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[{1}, {1}] {2}"


# The parent forks with another thread inside, then with one that holds the lock; then from inside, alone and
# with another thread. A child says how many threads its BLAS has: as it begins, within, and after. One that
# waits for the lock is ended.
FORKS = """
import os, signal, threading
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from treadle.hardware import blas_threads
from treadle.hardware.blas_threads import one_blas_thread

np.ones((2, 2)) @ np.ones((2, 2))
n_threads = lambda: {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

def fork(leave=None):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)
            seen = [n_threads()]
            with one_blas_thread():
                seen.append(n_threads())
            seen.append(n_threads())
            if leave is not None:
                leave.__exit__(None, None, None)
                seen.append(n_threads())
            print(seen, flush=True)
            status = 0
        finally:
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

def beside(context, function):
    is_in, may_leave = threading.Event(), threading.Event()

    def other():
        with context:
            is_in.set()
            may_leave.wait(1)

    thread = threading.Thread(target=other)
    thread.start()
    is_in.wait()
    function()
    may_leave.set()
    thread.join()

with threadpool_limits(2, "blas"):
    beside(one_blas_thread(), fork)
    beside(blas_threads._lock, fork)
    mine = one_blas_thread()
    mine.__enter__()
    fork(mine)
    beside(one_blas_thread(), lambda: fork(mine))
    mine.__exit__(None, None, None)
    print(n_threads())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_goes_on_by_what_its_own_thread_has_entered():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, check=True
    )
    outside, inside = "[{2}, {1}, {2}]", "[{1}, {1}, {1}, {2}]"
    assert done.stdout.split("\n")[:-1] == [outside, "0", outside, "0", inside, "0", inside, "0", "{2}"]
