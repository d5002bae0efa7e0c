"""Connections are cut, go silent, or lead to a Redis that refuses: under load."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cable import Cable
from detour import detour_executor, detour_nginx
from fake_redis import FakeRedis
from faults import HALT_S, LOAD_S, LONG, Load, check, settle
from ledger import check_ledger
from node import Node, wait_until

# What a Redis says that cannot do what it is asked for.
REFUSALS = {
    'LOADING': 'LOADING Redis is loading the dataset in memory',
    'READONLY': "READONLY You can't write against a read only replica.",
    'OOM': "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF': 'MISCONF Redis is configured to save RDB snapshots, but it is currently not able '
               'to persist on disk.',
}
WRITES = ('LPUSH', 'LPUSHX', 'BRPOP', 'BRPOPLPUSH', 'RPOPLPUSH', 'EVAL', 'EVALSHA', 'SET', 'HINCRBY',
          'SADD', 'HSET')


class Wired:
    """A node whose nginx and executor have a cable of their own to Redis each."""

    def __init__(self, node, nginx, executor):
        self.node, self.nginx, self.executor = node, nginx, executor


@pytest.fixture(scope='module')
def wired(session_node, test_folder):
    node = Node(test_folder / 'wired', session_node, {
        '_WORKER_CONCURRENCY': 3, '_WORKER_MAX_CONCURRENCY': 8, 'LOG_LEVEL': 'WARNING'})
    try:
        node.start('redis')
        node.ctl('db', 'migrate')
        socket = node.setting('REDIS_SOCKET')
        with Cable(node.install / 'run/redis/n.sock', socket) as nginx, \
                Cable(node.install / 'run/redis/e.sock', socket) as executor:
            detour_nginx(node, REDIS_SOCKET=nginx.path)
            with detour_executor(node, REDIS_SOCKET=executor.path):
                node.start('executor', 'nginx')
            node.publish_fixtures()
            yield Wired(node, nginx, executor)
            node.stop('executor', 'nginx')
    finally:
        node.destroy()


def cut_often(cable):
    for _ in range(20 if LONG else 4):
        cable.cut()
        time.sleep(0.5)


@pytest.mark.parametrize('who', ('nginx', 'executor'))
def test_connections_to_redis_are_cut_again_and_again(wired, who):
    with Load(wired.node) as load:
        cut_often(getattr(wired, who))
        load.after()
    settle(wired.node)
    words = check(load)
    print(f'{who} cut off Redis: {dict(words)}')
    assert words['ok'] > 50 and set(words) <= {'ok', 'refused', 'unknown'}, words


# The connections of Redis by which jobs are claimed, or replies taken: their last command, and
# whether the executor has them, which names its own.
TAKERS = ('brpoplpush', 'brpop')


def takers(node, who):
    return {client['id'] for client in node.redis.clients() if client['cmd'] in TAKERS
            and client['name'].startswith('dff-executor-') == (who == 'executor')}


# Within so many seconds every caller has a result again, if all connections of the master die
# silently: its heartbeat goes out (2) and has no answer (8), connections are made anew, and the
# sweep for what the old ones have claimed looks twice (1 + 2). What waits for its time is done
# at the next turn of a timer that comes once a second (3). nginx notices its own in 5.
NOTICED_S = 2 + 8 + 1 + 2 + 3
NOISE_S = 9         # processes of a busy machine have to wait


@pytest.mark.parametrize('who', ('nginx', 'executor'))
def test_silent_connections_are_noticed_while_jobs_wait(wired, who):
    """As after a firewall has forgotten them. Redis goes on serving the old ones: jobs and
    replies that it hands to them must come back."""
    with Load(wired.node) as load:
        before = takers(wired.node, who)
        assert before and getattr(wired, who).forget() > 0
        load.flows(NOTICED_S + NOISE_S)
        # What Redis still holds would go on taking for nobody, one blocking command after the
        # other.
        wait_until(lambda: not before & takers(wired.node, who), 10, 'the end of the old ones')
        time.sleep(LOAD_S)
    settle(wired.node)
    words = check(load)
    print(f'{who} forgotten: {dict(words)}')
    assert set(words) <= {'ok', 'refused', 'unknown', 'timeout'}, words


def test_large_replies_come_though_connections_were_forgotten(wired):
    """They go through the list of nginx, from which a forgotten connection could take them."""
    node = wired.node
    with Load(node, callers=1) as load:
        wired.nginx.forget()
        load.flows()
    settle(node)
    check(load)
    statuses = []
    while statuses.count(200) < 8:
        answer = node.call('auln-echo', {'apiTimeout': 5}, text='x' * 20000)
        statuses.append(answer.status)
        # A worker of nginx that had no call until now notices by this one.
        assert answer.status in (200, 503) and len(statuses) < 20, (statuses, answer)
        if answer.status == 503:
            time.sleep(0.2)


def test_idle_connections_that_were_forgotten_do_not_keep_a_job_waiting(wired):
    """Nothing happens for a while, the connections die silently, and then one call comes."""
    node = wired.node
    check_ledger(node, waiting=0, claimed=0, running=0)
    time.sleep(1)
    wired.executor.forget()
    answer = node.call('auln-ok', {'apiTimeout': 30}, timeout=40)
    assert answer.text == 'ok' and answer.seconds < 20, answer
    print(f'{answer.seconds:.1f} s')
    wait_until(lambda: 'no answer to' in node.log_text(), 10, 'the line in the log')


@pytest.fixture(scope='module')
def refusing(session_node, test_folder):
    """A node whose nginx and executor both have a Redis that can refuse."""
    node = Node(test_folder / 'refusing', session_node, {
        '_WORKER_CONCURRENCY': 3, '_WORKER_MAX_CONCURRENCY': 8, 'LOG_LEVEL': 'WARNING'})
    try:
        node.start('redis')
        node.ctl('db', 'migrate')
        path = node.install / 'run/redis/fake.sock'
        with FakeRedis(path, node.setting('REDIS_SOCKET')) as fake:
            detour_nginx(node, REDIS_SOCKET=path)
            with detour_executor(node, REDIS_SOCKET=path):
                node.start('executor', 'nginx')
            node.publish_fixtures()
            yield node, fake
            fake.reset()
            node.stop('executor', 'nginx')
    finally:
        node.destroy()


@pytest.mark.parametrize('word', REFUSALS)
def test_a_redis_that_refuses_costs_no_job(refusing, word):
    node, fake = refusing
    with Load(node, callers=4) as load:
        fake.set(errors={name: REFUSALS[word] for name in WRITES})
        time.sleep(HALT_S)
        # The callers may all have been inside, with a job that cannot be finished.
        answer = node.call('auln-ok')
        assert answer.status == 503 and answer.json['detail']['state'] == 'refused', answer
        fake.heal()
        load.after()
    settle(node)
    words = check(load)
    print(f'{word}: {dict(words)}')
    assert set(words) <= {'ok', 'refused', 'unknown'}, words


def test_a_worker_that_dies_before_it_has_its_job_does_not_take_it_along(refusing):
    """When the master looks again its socket has ended, the zygote says nothing yet, and Redis
    says that the job has started."""
    node, fake = refusing
    workers, master = node.python_workers(), node.pid('executor')
    zygote = int(open(f'/proc/{workers[0]}/stat').read().rpartition(')')[2].split()[1])
    begin, answered_after = fake.counts['EXEC'], 1.5
    fake.set(delay={'EXEC': answered_after})
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(node.call, 'auln-ok')
        wait_until(lambda: fake.counts['EXEC'] > begin, 5, 'the start of the job')
        try:
            for pid in (master, zygote):
                os.kill(pid, signal.SIGSTOP)
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            time.sleep(answered_after + 0.2)
            os.kill(master, signal.SIGCONT)
            time.sleep(0.2)
        finally:
            for pid in (master, zygote):
                os.kill(pid, signal.SIGCONT)
        fake.heal()
        assert call.result().text == 'ok', call.result()
    assert ' bug: ' not in node.log_text()
    settle(node)


def test_a_redis_that_answers_byte_by_byte_is_only_slow(refusing):
    node, fake = refusing
    with Load(node, callers=2) as load:
        fake.set(byte_seconds=0.0002)
        time.sleep(HALT_S)
        fake.heal()
        load.after()
    settle(node)
    words = check(load)
    print(f'byte by byte: {dict(words)}')
    assert set(words) <= {'ok', 'refused', 'unknown'}, words
