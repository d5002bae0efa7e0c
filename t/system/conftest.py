"""Fixtures of the whole-system tests, and what must hold after each of them."""

import os
import pathlib
import shutil
import tempfile

import pytest

from api import administrator, forget_failures
from node import Node, descendants
from resources import kept_clean
from services import Services


@pytest.fixture(scope='session')
def test_folder():
    """Below /tmp and short: the path of a unix socket has 107 bytes."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='dff-t-', dir='/tmp'))
    folder.chmod(0o755)
    yield folder
    if os.environ.get('DFF_TEST_KEEP') is None:
        shutil.rmtree(folder)


@pytest.fixture(scope='session')
def session_node(test_folder):
    node = Node(test_folder / 'main')
    try:
        node.start()
        node.publish_fixtures()
        yield node
    finally:
        alarms = node.destroy()
    assert not alarms, 'in the logs at the end:\n' + '\n'.join(alarms)


@pytest.fixture
def node(session_node):
    """The shared node, running; a test that stops a part of it starts it again."""
    session_node.allowed.clear()
    session_node.alarms()
    yield session_node
    check_after(session_node)
    for part in ('redis', 'executor', 'nginx'):
        assert session_node.pid(part), f'the test left {part} stopped'


@pytest.fixture(scope='module')
def admin(session_node):
    """The administrator of the shared node, signed in once for all tests of a file."""
    forget_failures(session_node)
    return administrator(session_node)


@pytest.fixture
def root(node):
    """The resource folder of the shared node, afterwards as it was."""
    with kept_clean(node) as folder:
        yield folder


@pytest.fixture
def ask(node):
    """A connection to the services of the shared node, as a worker has one."""
    with Services(node) as services:
        yield services


@pytest.fixture
def tset(admin):
    """A script set that is removed afterwards."""
    admin.get('/api/v1/script-sets/tset/do/delete')
    admin.add('script-sets', id='tset', title='A set')
    yield 'tset'
    admin.get('/api/v1/script-sets/tset/do/delete')


@pytest.fixture
def make_node(session_node, test_folder):
    """Makes nodes of the test's own, not started: make_node(KEY=value, …). They use
    the shared MariaDB."""
    nodes = []

    def make(**settings):
        made = Node(test_folder / f'own{len(nodes)}-{os.urandom(3).hex()}', session_node, settings)
        nodes.append(made)
        return made

    yield make
    alarms = []
    for made in nodes:
        alarms += made.destroy()
    assert not alarms, 'unexpected in the logs:\n' + '\n'.join(alarms)


@pytest.fixture
def fresh_node(make_node):
    """A node of the test's own, running."""
    made = make_node()
    made.start()
    return made


def check_after(checked):
    alarms = checked.alarms()
    assert not alarms, 'unexpected in the logs:\n' + '\n'.join(alarms)


@pytest.fixture(autouse=True)
def no_process_left():
    """Whatever a test starts itself is gone when it ends."""
    before = set(descendants(os.getpid()))
    yield
    left = set(descendants(os.getpid())) - before
    assert not left, f'processes left by the test: {left}'
