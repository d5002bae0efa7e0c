"""One zygote and one worker for most tests; a test that ends its worker asks for its own."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import driver  # noqa: E402


@pytest.fixture(scope='session')
def zygote():
    if not os.access(driver.EXECUTOR, os.X_OK):
        pytest.skip(f'{driver.EXECUTOR} is not built')
    zygote = driver.Zygote()
    yield zygote
    assert zygote.end() == 0
    assert 'ERROR: ' not in zygote.stderr()


@pytest.fixture(scope='module')
def worker(zygote):
    """Must survive all tests of the module."""
    worker = zygote.worker()
    yield worker
    worker.close()
    assert worker.exit_status()[0] == 0


@pytest.fixture
def own_worker(zygote):
    worker = zygote.worker()
    yield worker
    worker.close()
    zygote.exits.pop(worker.pid, None)
