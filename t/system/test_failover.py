"""The address of Redis leads to another server from one moment to the next: a failover, in
which a replica has become the master. Jobs are under way."""

import pytest

from api import administrator
from failover import failover_node
from faults import Load, check, settle
from node import wait_until


@pytest.fixture(scope='module')
def one_failover(session_node, test_folder):
    with failover_node(test_folder / 'failover', session_node) as one:
        yield one


@pytest.fixture
def failover(one_failover):
    """All is well, and the other server has all that the current one has."""
    one_failover.other.replicate(one_failover.current)
    wait_until(lambda: one_failover.node.call('auln-ok').status == 200, 10, 'a result')
    return one_failover


def signs_in(node):
    try:
        return administrator(node)
    except AssertionError:
        return False


def test_a_server_that_has_become_the_replica_is_left(failover):
    """Its connections stand, and it answers: as when a name leads to the new master, and the
    old one was not stopped."""
    node, begin = failover.node, len(failover.node.log_text())
    with Load(node, options={'apiTimeout': 3}) as load:
        failover.promote()
        failover.move(cut=False)
        failover.demote()
        load.after()
    words = load.words()
    assert words['ok'] > 50, words
    assert 'Redis has become a replica' in node.log_text()[begin:]
    # Those that the api processes keep for management.
    wait_until(lambda: all(signs_in(node) for _ in range(6)), 10, 'sign-ins')


def test_a_master_does_not_claim_from_one_server_and_start_at_another(failover):
    """Only some connections have broken, and have been made anew, when the old server goes on."""
    node, old = failover.node, failover.current
    failover.promote()
    failover.move(cut=False)
    assert old.kill_clients('dff-executor-queue-') and old.kill_clients('')
    wait_until(lambda: node.call('auln-ok', {'apiTimeout': 2}).status == 200, 8, 'a result')
    wait_until(lambda: not [client for client in old.clients()
                            if client['name'].startswith(('dff-master-', 'dff-executor-'))
                            and 'api' not in client['name']], 5, 'the end of the old connections')
    settle(node)
