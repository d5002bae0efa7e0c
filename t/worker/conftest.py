"""One zygote and one worker for most tests; a test that ends its worker asks for its own."""

import os

import pytest

import driver


@pytest.fixture(scope='session')
def zygote():
    assert os.access(driver.EXECUTOR, os.X_OK), f'{driver.EXECUTOR} is not built'
    zygote = driver.Zygote()
    yield zygote
    assert zygote.end() == 0
    stderr = zygote.stderr()
    assert 'ERROR: ' not in stderr and 'runtime error' not in stderr


@pytest.fixture(scope='module')
def worker(zygote):
    """Must survive all tests of the module."""
    worker = zygote.worker()
    yield worker
    worker.close()
    assert worker.exit_status()[0] == 0, zygote.stderr()


@pytest.fixture
def own_worker(zygote):
    worker = zygote.worker()
    yield worker
    worker.close()
    zygote.exits.pop(worker.pid, None)
