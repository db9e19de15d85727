import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def one_torch_thread():
    """Threads that wait for each other make small tensors very slow where the machine is busy."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
