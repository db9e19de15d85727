import pytest

from tests.server.running_lab import RunningLab


@pytest.fixture(scope="module")
def lab():
    """A lab whose token was used."""
    running = RunningLab()
    try:
        running.open()
        yield running
    finally:
        running.stop()
