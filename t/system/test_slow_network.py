"""Large bodies take their time on a narrow way to Redis, and in Redis, and cost nobody else
anything."""

import contextlib
import http.client
import itertools
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from detour import detour_executor, detour_nginx
from ledger import check_ledger, read_ledger
from node import Node, wait_until
from slow_line import SlowLine

RATE = 2 << 20          # bytes a second
MIB = 1 << 20

SCRIPT = '''
@DFF.API('How much it got', timeout=60, api_timeout=60)
def got(data):
    return len(data)


@DFF.API('So much', timeout=60, api_timeout=60)
def give(size):
    return 'x' * size
'''


class Narrow:
    def __init__(self, node, nginx, executor):
        self.node, self.nginx, self.executor = node, nginx, executor


@pytest.fixture(scope='module')
def narrow(session_node, test_folder):
    """A node whose nginx and executor have a line of their own to Redis each."""
    node = Node(test_folder / 'narrow', session_node, {
        '_WORKER_CONCURRENCY': 2, '_WORKER_MAX_CONCURRENCY': 4, 'LOG_LEVEL': 'WARNING'})
    try:
        node.start('redis')
        node.ctl('db', 'migrate')
        socket = node.setting('REDIS_SOCKET')
        with SlowLine(socket, 0) as nginx, SlowLine(socket, 0) as executor:
            detour_nginx(node, REDIS_PORT=nginx.port)
            with detour_executor(node, REDIS_PORT=executor.port):
                node.start('executor', 'nginx')
            node.publish_fixtures()
            node.ctl('script', 'publish', '-', '--id', 't__narrow', stdin=SCRIPT)
            for name in ('got', 'give'):
                node.ctl('link', 'add', f't__narrow.{name}', '--id', f'auln-{name}')
            node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-counted', '--throttling',
                     '{"byDay": 100000}')
            yield Narrow(node, nginx, executor)
            nginx.frozen = executor.frozen = False
            nginx.rate = executor.rate = 0
            node.stop('executor', 'nginx')
    finally:
        alarms = node.destroy()
    assert not alarms, '\n'.join(['unexpected in the logs:', *alarms])


def answers_meanwhile(node, call):
    """The answer of a call, and what small ones are told while it lasts: one that is only
    pushed, one that is counted by its link before, and one whose link nobody knows yet."""
    told = set()
    with ThreadPoolExecutor(4) as pool:
        large = pool.submit(call)
        for number in itertools.count():
            small = [pool.submit(node.call, link, {'apiTimeout': 60})
                     for link in ('auln-ok', 'auln-counted', f'auln-{number}-{time.time_ns()}')]
            told.add(tuple(one.result().status for one in small))
            if large.done():
                assert number > 0       # there was a round while it lasted
                return large.result(), told
            time.sleep(0.1)


def connections(node):
    return {client['id'] for client in node.redis.clients() if not client['cmd'].startswith('client')}


@pytest.mark.parametrize('who,sizes', (
    ('nginx', (12,)),
    ('executor', (14, 12))))    # Redis takes so much in without a stall that others notice
def test_a_large_body_takes_its_time(narrow, who, sizes):
    node = narrow.node
    assert node.call('auln-ok').status == 200
    before = connections(node)
    getattr(narrow, who).rate = RATE
    try:
        for size in sizes:
            answer, others = answers_meanwhile(node, lambda: node.post(
                '/api/v1/al/auln-got', {'kwargs': {'data': 'x' * (size * MIB)}}, timeout=90))
            assert answer.status == 200 and answer.text == str(size * MIB), answer
            assert answer.seconds > 5           # or the line was not narrow
            assert others == {(200, 200, 404)}
    finally:
        getattr(narrow, who).rate = 0
    assert before <= connections(node)
    check_ledger(node)


@pytest.mark.parametrize('who', ('nginx', 'executor'))
def test_a_large_result_takes_its_time(narrow, who):
    node = narrow.node
    assert node.call('auln-ok').status == 200
    before = connections(node)
    getattr(narrow, who).rate = RATE
    try:
        answer, others = answers_meanwhile(node, lambda: node.post(
            '/api/v1/al/auln-give', {'kwargs': {'size': 24 * MIB}}, timeout=90))
    finally:
        getattr(narrow, who).rate = 0
    assert answer.status == 200 and len(answer.body) == 24 * MIB
    assert answer.seconds > 8
    assert others == {(200, 200, 404)}
    assert before <= connections(node)
    check_ledger(node)


@contextlib.contextmanager
def under_way(narrow, who, link, **kwargs):
    """A call whose large part is on that narrow line now: its answer to come."""
    line = getattr(narrow, who)
    line.rate = RATE
    try:
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(narrow.node.post, f'/api/v1/al/{link}', {'kwargs': kwargs},
                                 timeout=90)
            time.sleep(2)
            assert not coming.done()
            yield coming
            coming.result()
    finally:
        line.rate = 0


def test_a_reload_of_nginx_waits_for_a_large_body(narrow):
    node = narrow.node
    old = set(node.processes('nginx')) - {node.pid('nginx')}
    with under_way(narrow, 'nginx', 'auln-got', data='x' * (20 * MIB)) as coming:
        node.kill('nginx', signal.SIGHUP)
        wait_until(lambda: set(node.processes('nginx')) - {node.pid('nginx')} - old, 10,
                   'new nginx workers')
        assert node.call('auln-ok').text == 'ok' and not coming.done()
        answer = coming.result()
    assert answer.status == 200 and answer.text == str(20 * MIB), answer
    wait_until(lambda: not old & set(node.processes('nginx')), 10, 'the end of the old ones')
    check_ledger(node)


def test_a_caller_that_leaves_in_its_large_body_costs_the_next_one_nothing(narrow):
    """And its job runs: it may have been pushed."""
    node = narrow.node
    before = read_ledger(node)['success']
    body = json.dumps({'kwargs': {'data': 'x' * (8 * MIB)}})
    narrow.nginx.rate = RATE
    try:
        caller = http.client.HTTPConnection('127.0.0.1', node.port, timeout=30)
        caller.request('POST', '/api/v1/al/auln-got', body, {'Content-Type': 'application/json'})
        time.sleep(1)
        caller.close()
        answers = {node.call('auln-ok', {'apiTimeout': 60}).text for _ in range(8)}
    finally:
        narrow.nginx.rate = 0
    assert answers == {'ok'}
    wait_until(lambda: read_ledger(node)['success'] == before + 8 + 1, 20, 'the end of the job')
    check_ledger(node)


def test_a_stop_of_the_executor_waits_for_a_large_result(narrow):
    node = narrow.node
    with under_way(narrow, 'executor', 'auln-give', size=12 * MIB) as coming:
        node.stop('executor')
        with detour_executor(node, REDIS_PORT=narrow.executor.port):
            node.start('executor')
        answer = coming.result()
    assert answer.status == 200 and len(answer.body) == 12 * MIB, answer
    assert node.call('auln-ok').text == 'ok'
    check_ledger(node)


def test_a_large_body_may_keep_redis_busy(narrow):
    """Redis copies it several times, and writes it to its file, before it answers."""
    node = narrow.node
    node.allow('Redis link')        # that by which replies come is silent for long
    assert node.call('auln-got', data='x').text == '1'      # its link is known now
    time.sleep(1.2)                                         # and the call is counted in Redis
    narrow.nginx.frozen = True
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(node.post, '/api/v1/al/auln-got', {
                'kwargs': {'data': 'x' * (31 * MIB)}, 'options': {'apiTimeout': 60}}, timeout=90)
            time.sleep(2.4)
            assert not waiting.done()
            narrow.nginx.frozen = False
            answer = waiting.result()
    finally:
        narrow.nginx.frozen = False
    assert answer.status == 200 and answer.text == str(31 * MIB), answer


def test_a_line_that_goes_silent_in_a_large_body_is_noticed(narrow):
    node = narrow.node
    node.allow('Redis link')
    narrow.nginx.rate = RATE
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(node.post, '/api/v1/al/auln-got',
                                  {'kwargs': {'data': 'x' * (12 * MIB)}}, timeout=90)
            time.sleep(1)
            assert not waiting.done()
            narrow.nginx.frozen = True
            begin = time.monotonic()
            answer = waiting.result()
            # 0.9 s, and 1.2 for so much, from when some of it was last seen to have come, which
            # is looked at every 0.9 s; a busy machine
            assert time.monotonic() - begin < 0.9 + 1.2 + 2 * 0.9 + 2
    finally:
        narrow.nginx.rate, narrow.nginx.frozen = 0, False
    assert answer.status == 503 and answer.json['detail']['state'] == 'unknown'
    wait_until(lambda: node.call('auln-ok').status == 200, 10, 'the link')
