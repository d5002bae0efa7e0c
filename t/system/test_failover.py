"""The address of Redis leads to another server from one moment to the next: a failover, in
which a replica has become the master. Jobs are under way."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import administrator
from failover import failover_node, start_server
from faults import LONG, Load, check, marks_folder, read_marks, settle
from node import ROOT, free_port, run, wait_until


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
    node, begin = failover.node, failover.node.log_ends()
    with Load(node, options={'apiTimeout': 3}) as load:
        failover.promote()
        failover.move(cut=False)
        failover.demote()
        load.after()
    words = load.words()
    assert words['ok'] > 50, words
    assert 'Redis has become a replica' in node.log_since(begin)
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


# Where a promoted replica that had not heard of the last writes may have a job.
PLACES = {
    'queue': lambda redis, node, job: redis('RPUSH', 'dff:queue:1', job),
    'claimed': lambda redis, node, job: redis('LPUSH', f'dff:claimed:{node}', job),
    'started': lambda redis, node, job: None,
    'nowhere': lambda redis, node, job: redis('HINCRBY', 'dff:ledger', 'accepted', -1),
}


class OneJob:
    """A job of one second, which the promoted replica has at a place of yesterday."""

    def __init__(self, failover, place):
        self.failover, node = failover, failover.node
        self.path, self.mark = marks_folder(node) / os.urandom(4).hex(), 'm'
        started = f'dff:started:{node.setting("_NODE_NAME")}'
        wait_until(lambda: failover.current('HLEN', started) == 0, 5, 'the end of other jobs')
        self.pool = ThreadPoolExecutor(1)
        self.call = self.pool.submit(node.call, 'auln-mark', {'apiTimeout': 20}, mark=self.mark,
                                     path=str(self.path), seconds=1)
        task, job = wait_until(lambda: failover.current('HGETALL', started), 5,
                               'the start').popitem()
        wait_until(lambda: failover.other('HEXISTS', started, task), 5, 'the replication')
        failover.promote()
        if place != 'started':
            failover.other('HDEL', started, task)
        PLACES[place](failover.other, node.setting('_NODE_NAME'), job)

    def check(self):
        """It was started once, its caller has its result, and the ledger balances."""
        with self.pool:
            answer = self.call.result()
        assert answer.status == 200 and answer.text == self.mark, answer
        time.sleep(1)       # for a start too many
        settle(self.failover.node, 15)
        begun, ended = read_marks(self.path)
        assert (begun[self.mark], ended[self.mark]) == (1, 1)


@pytest.mark.parametrize('place', PLACES)
def test_a_job_that_runs_is_not_started_again_and_its_result_is_told(failover, place):
    job = OneJob(failover, place)
    failover.move()
    job.check()


@pytest.mark.parametrize('place', PLACES)
def test_a_job_that_was_answered_is_not_started_again(failover, place):
    before = failover.current('HGET', 'dff:ledger', 'lost')
    job = OneJob(failover, place)
    assert job.call.result().status == 200
    failover.move()
    job.check()
    assert failover.current('HGET', 'dff:ledger', 'lost') == before


def test_under_load_nothing_is_started_twice_by_an_older_data_set(failover):
    for lag in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1) if LONG else (0.1,):
        with Load(failover.node, callers=12, seconds=0.1, options={'apiTimeout': 3}) as load:
            failover.promote()
            time.sleep(lag)
            failover.move()
            load.after()
        settle(failover.node)
        # What was pushed since the promotion, and waited, is gone with the old server.
        words = check(load, forgotten=12)
        print(f'{lag} s behind: {dict(words)}')
        assert set(words) <= {'ok', 'timeout', 'refused', 'unknown'}, words
        failover.other.replicate(failover.current)


def test_nothing_is_started_twice_when_the_address_leads_back_to_the_old_server(failover):
    """Which knows nothing of what was done meanwhile, and was not told to forget."""
    with Load(failover.node, callers=12, seconds=0.1, options={'apiTimeout': 3}) as load:
        failover.promote()
        failover.move()
        load.after()
        failover.move()
        load.after()
    settle(failover.node)
    words = check(load, forgotten=24)
    assert set(words) <= {'ok', 'timeout', 'refused', 'unknown'}, words


class Named:
    """A node that knows its Redis by a name, which leads to one of two servers. What it reads as
    /etc/hosts is a file of its own, and nobody else is asked."""

    def __init__(self, node):
        self.node, self.hosts = node, node.install / 'hosts'
        self.resolv = node.install / 'resolv.conf'
        self.resolv.write_text('nameserver 127.0.0.1\n')
        port = free_port()
        self.servers = [start_server(node, node.install / f'run/{address}', port, address=address)
                        for address in ('127.0.1.1', '127.0.1.2')]
        self.lead_to(0)
        node.set(REDIS_HOST='redis.test', REDIS_PORT=port, REDIS_SOCKET="''")

    def lead_to(self, number):
        self.server = self.servers[number]
        self.hosts.write_text(f'127.0.0.1 localhost\n127.0.1.{number + 1} redis.test\n')

    def lead_nowhere(self):
        self.hosts.write_text('127.0.0.1 localhost\n')

    def start(self, *parts):
        run(['unshare', '--mount', 'sh', '-c', 'mount --bind "$1" /etc/hosts && '
             'mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"', 'sh', self.hosts,
             self.resolv, self.node.install / 'bin/dff-service', 'start', *parts])

    def serves(self):
        key = f'dff:node:{self.node.setting("_NODE_NAME")}'
        return self.server('EXISTS', key) and self.node.call('auln-ok').status == 200

    def end(self):
        for server in self.servers:
            server.process.kill()
            server.process.wait(5)


@pytest.mark.skipif(os.system('unshare --mount true 2>/dev/null') != 0,
                    reason='mount namespaces are not permitted here')
@pytest.mark.parametrize('old', ('dies', 'lives, and the executor is reloaded'))
def test_a_name_that_leads_to_another_server_is_followed(make_node, old):
    node = make_node()
    node.allow('Redis')
    node.start()
    node.publish(ROOT / 't/fixtures/t__basic.py', 't__basic', ['ok'])
    node.stop('executor', 'nginx')      # the others are made from MySQL
    original = node.config.read_text()
    named = Named(node)
    try:
        named.start('executor', 'nginx')
        wait_until(named.serves, 20, 'a result with the first server')
        first = named.server
        if old == 'dies':
            named.lead_nowhere()
            first.process.kill()
            time.sleep(1.5)
            named.lead_to(1)
        else:
            named.lead_to(1)
            node.kill('executor', signal.SIGHUP)
        node.kill('nginx', signal.SIGHUP)
        wait_until(named.serves, 20, 'a result with the second server')
        assert 'leads to 127.0.1.2 now' in node.log_text()
        node.stop('executor', 'nginx')
    finally:
        named.end()
        node.config.write_text(original)
