import pytest

from tests.server.running_lab import opened_lab


@pytest.fixture(scope="module")
def lab():
    with opened_lab() as running:
        yield running
