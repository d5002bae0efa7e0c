"""Fixtures of the whole-system tests, and what must hold after each of them."""

import os
import pathlib
import re
import shutil
import tempfile

import pytest

from api import administrator, forget_failures
from away import away_node
from node import Node, descendants, wait_until
from resources import kept_clean
from sanitized import SANITIZED
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


@pytest.fixture(scope='module')
def one_away(session_node, test_folder, request):
    """One node for a file."""
    with away_node(test_folder / request.module.__name__.removeprefix('test_'),
                   session_node) as one:
        yield one


@pytest.fixture
def well(one_away):
    """All is well before a test and soon after it, and no call is left over."""
    one = one_away
    wait_until(one.is_well, 15, 'a node that is well')
    begin = len(one.log.read_text())
    yield one
    one.fake.reset()
    wait_until(one.is_well, 15, 'a node that is well again')
    wait_until(lambda: one.metric('dff_calls_pending') == 0, 15, 'the end of all calls')
    alarms = [line for line in one.log.read_text()[begin:].splitlines()
              if re.search(r'\[(alert|crit|emerg)\]', line)]
    assert not alarms, alarms


@pytest.fixture
def away(well):
    """The same with the workers of before, and nothing piled up in them."""
    workers, descriptors, resident = well.workers(), well.descriptors(), well.resident_kb()
    yield well
    well.fake.reset()
    wait_until(well.is_well, 15, 'a node that is well again')
    assert well.workers() == workers
    wait_until(lambda: all(well.descriptors()[pid] <= descriptors[pid] + 2 for pid in workers),
               5, 'the old number of descriptors')
    # a sanitizer keeps what was freed for a while
    if not SANITIZED:
        assert well.resident_kb() < resident + 20000


@pytest.fixture(autouse=True)
def no_process_left():
    """Whatever a test starts itself is gone when it ends."""
    before = set(descendants(os.getpid()))
    yield
    left = set(descendants(os.getpid())) - before
    assert not left, f'processes left by the test: {left}'
