"""Large bodies take their time on a narrow way to Redis, and in Redis, and cost nobody else
anything."""

import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import check_ledger
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


def with_redis_at(node, line, name):
    config = node.install / f'data/{name}-config.yaml'
    text = re.sub(r'(?m)^REDIS_(SOCKET|HOST|PORT):.*\n', '', node.config.read_text())
    config.write_text(f"{text}REDIS_SOCKET: ''\nREDIS_HOST: 127.0.0.1\nREDIS_PORT: {line.port}\n")
    config.chmod(0o600)
    return config


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
            config = with_redis_at(node, nginx, 'nginx')
            conf = node.install / 'nginx/nginx.conf'
            conf.write_text(conf.read_text().replace(str(node.config), str(config)))
            original = node.config.read_text()
            node.config.write_text(with_redis_at(node, executor, 'executor').read_text())
            node.start('executor', 'nginx')
            node.config.write_text(original)        # for dffctl and the tests
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


@pytest.mark.parametrize('who,sizes', (('nginx', (12,)), ('executor', (20, 12))))
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
