"""ENV, STORE, CACHE, SRC and FUNC of a script, through HTTP, on the real services."""

import json
import os
import signal
import socket
import threading
import time

import pytest

from node import wait_until
from test_api_process import api_pids, wait_ready

SCRIPT = '''
import time


@DFF.API('Evaluates a text')
def evaluate(text):
    return [eval(text)]      # in a list: always JSON


@DFF.API('Counts in the cache and in the store for some time', timeout=60, api_timeout=60)
def count(seconds, key):
    end, n = time.time() + seconds, 0
    while time.time() < end:
        n = DFF.CACHE.incr(key)
        assert DFF.STORE.set(key, n) is True
    return [n, DFF.STORE.get(key), DFF.CACHE.get(key)]


@DFF.API('Starts the next, and the last of them writes what it sees')
def chain(left, key):
    if left > 0:
        return DFF.FUNC(f'{_DFF_SCRIPT_ID}.chain_{left}', {'left': left - 1, 'key': key})
    DFF.CACHE.set(key, [_DFF_ROOT_TASK_ID, _DFF_FUNC_CHAIN, _DFF_ORIGIN, _DFF_ORIGIN_ID, _DFF_QUEUE,
                        _DFF_EXEC_MODE])

'''

# A name that is called by another one, as a function may be in its chain but once.
LINKS = '''
@DFF.API('chain_{n}')
def chain_{n}(left, key):
    return chain(left, key)
'''


@pytest.fixture(scope='module')
def script(session_node, tmp_path_factory):
    path = tmp_path_factory.mktemp('script') / 'it.py'
    path.write_text(SCRIPT + ''.join(LINKS.format(n=n) for n in range(1, 7)))
    session_node.publish(path, 'demo__dff', ('evaluate', 'count', 'chain'))


@pytest.fixture
def value(node, script):
    """What a Python expression is in a call."""
    def get(text):
        answer = node.call('auln-evaluate', text=text)
        assert answer.status == 200, answer.json['detail']
        return json.loads(answer.body)[0]
    return get


@pytest.fixture
def raises(node, script):
    node.allow('demo__dff.evaluate')

    def get(text):
        answer = node.call('auln-evaluate', text=text)
        assert answer.status == 599, answer.body
        return answer.json['detail']['einfoTEXT']
    return get


# --- ENV -------------------------------------------------------------------------------------


@pytest.mark.parametrize('type,text,expected', [
    ('string', ' 1 ', ' 1 '), ('integer', '12', 12), ('float', '1.5', 1.5), ('boolean', 'yes', True),
    ('boolean', 'off', False), ('json', '{"a": [1]}', {'a': [1]}), ('commaArray', 'a, b', ['a', 'b'])])
def test_a_variable_is_read_as_its_type(node, value, type, text, expected):
    node.ctl('env', 'set', 'e2e', text, '--type', type)
    try:
        wait_until(lambda: value('DFF.ENV.get("e2e")') == expected, 1.5, 'the variable')
        assert value('DFF.ENV("e2e")') == value('DFF.env("e2e")') == expected
    finally:
        node.ctl('env', 'delete', 'e2e')


def test_a_change_of_a_variable_is_seen_within_a_second(node, value):
    for number in (1, 2):
        node.ctl('env', 'set', 'changing', number, '--type', 'integer')
        changed = time.monotonic()
        while value('DFF.ENV.get("changing", 0)') != number:
            assert time.monotonic() - changed < 1.2
    assert {'id': 'changing', 'title': None, 'type': 'integer', 'value': 2} in value('DFF.ENV.list()')
    node.ctl('env', 'delete', 'changing')
    wait_until(lambda: value('DFF.ENV.get("changing", "none")') == 'none', 1.5, 'the end of it')


def test_a_variable_that_is_not_there(raises):
    assert 'NotFoundException' in raises('DFF.ENV("none")')


# --- STORE and CACHE ---------------------------------------------------------------------------


def test_the_store_keeps_values_across_calls_and_by_scope(value):
    assert value('DFF.STORE.set("k", {"a": [1, None]})') is True
    assert value('DFF.STORE.get("k")') == {'a': [1, None]}
    assert value('DFF.STORE.get("k", scope="demo__dff")') == {'a': [1, None]}
    assert value('DFF.STORE.get("k", scope="other")') is None
    assert value('DFF.STORE.set("k", 2, not_exists=True)') is False
    assert value('DFF.STORE.set("short", 1, expire=1)') is True
    assert value('DFF.STORE.get("short")') == 1
    wait_until(lambda: value('DFF.STORE.get("short")') is None, 4, 'expiry')
    assert value('[DFF.STORE.delete("k"), DFF.STORE.get("k")]') == [True, None]


def test_names_of_the_store_are_bounded(value, raises):
    assert value('DFF.STORE.set("k" * 256, 1, scope="s" * 256)') is True
    assert 'InvalidOptionException' in raises('DFF.STORE.set("k" * 257, 1)')
    assert 'InvalidOptionException' in raises('DFF.STORE.get("k", scope="s" * 257)')


@pytest.mark.parametrize('text,expected', [
    ('[C.set("k", [1]), C.get("k"), C.get("none")]', [True, [1], None]),
    ('[C.set("k", 1), C.set("k", 2, not_exists=True), C.getset("k", 3), C.get("k")]', [True, False, 1, 3]),
    ('[C.set("k", 1), C.expire("k", 0.05), __import__("time").sleep(0.1), C.get("k")]',
     [True, True, None, None]),
    ('[C.set("k", 1), C.delete("k"), C.get("k")]', [True, True, None]),
    ('[C.incr("n"), C.incr("n", 5), C.incr("n", -1)]', [1, 6, 5]),
    ('[C.hset("h", "f", {"x": 1}), C.hget("h", "f"), C.hget("h"), C.hkeys("h", "f*")]',
     [True, {'x': 1}, {'f': {'x': 1}}, ['f']]),
    ('[C.hmset("h", {"a": 1, "b": "2"}), C.hget("h"), C.hdel("h", "a"), C.hkeys("h")]',
     [True, {'a': 1, 'b': '2'}, True, ['b']]),
    ('[C.hincr("h", "n"), C.hincr("h", "n", 2)]', [1, 3]),
    ('[C.lpush("l", 1), C.rpush("l", 2), C.lpush("l", 0), C.llen("l"), C.lrange("l", 0, -1)]',
     [1, 2, 3, 3, [0, 1, 2]]),
    ('[C.rpush("l", 1), C.rpush("l", 2), C.lpop("l"), C.rpop("l"), C.rpop("l")]', [1, 2, 1, 2, None]),
    ('[C.rpush("l", 1), C.rpush("l", 2), C.rpush("l", 3), C.ltrim("l", 1, 1), C.lrange("l")]',
     [1, 2, 3, True, [2]]),
    ('[C.rpush("l", 1), C.rpoplpush("l", "m"), C.lrange("m"), C.llen("l")]', [1, 1, [1], 0]),
])
def test_the_cache_does_as_redis_does(value, text, expected):
    clean = '[DFF.CACHE.delete(k) for k in ("k", "n", "h", "l", "m")]'
    value(clean)
    assert value(f'(lambda C: {text})(DFF.CACHE)') == expected
    value(clean)


def test_the_cache_is_kept_by_scope(value):
    assert value('DFF.CACHE.set("k", 1)') is True
    assert value('DFF.CACHE.get("k", scope="demo__dff")') == 1
    assert value('DFF.CACHE.get("k", scope="other")') is None


# --- FUNC ---------------------------------------------------------------------------------------


def test_a_chain_of_functions_ends_as_configured(node, value, script):
    answer = node.call('auln-chain', left=4, key='chain')
    assert answer.status == 200
    seen = wait_until(lambda: value('DFF.CACHE.get("chain")'), 10, 'the end of the chain')
    assert seen[0] == answer.headers['x-dff-task-id']
    assert seen[1] == ['demo__dff.chain'] + [f'demo__dff.chain_{n}' for n in (4, 3, 2, 1)]
    assert seen[2:] == ['authLink', 'auln-chain', 1, 'async']


def test_a_chain_must_not_be_long_or_turn_back(value, raises):
    assert 'DuplicationException' in raises('DFF.FUNC("demo__dff.evaluate", {"text": "1"})')
    assert 'NotFoundException' in raises('DFF.FUNC("demo__dff.none")')
    task = value('DFF.FUNC("demo__dff.chain_1", {"left": 0, "key": "started"})')
    assert task.startswith('task-')
    assert wait_until(lambda: value('DFF.CACHE.get("started")'), 10, 'the function')[0] != task


# --- SRC ----------------------------------------------------------------------------------------


class Forward(threading.Thread):
    """A TCP port in front of a unix socket: the servers of a test node have no port."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_the_connector_of_mysql_queries_a_server(node, value, raises):
    forward = Forward(node.setting('MYSQL_SOCKET'))
    config = {'host': '127.0.0.1', 'port': forward.port, 'user': 'e2e', 'password': 'hüsh"',
              'database': node.setting('MYSQL_DATABASE')}
    node.mysql("CREATE USER e2e@'localhost' IDENTIFIED BY 'hüsh\"'; GRANT ALL ON *.* TO e2e@'localhost'")
    node.ctl('source', 'add', 'e2e_mysql', '--type', 'mysql', '--config', '-', stdin=json.dumps(config))
    try:
        assert value('DFF.SRC("e2e_mysql").check()') is True
        assert value('DFF.SRC("e2e_mysql").query("SELECT ? AS a, ?? AS b FROM (SELECT 2 AS x) t",'
                     ' ["it\'s", "x"])') == [{'a': "it's", 'b': 2}]
        config['password'] = 'wrong'
        node.ctl('source', 'add', 'e2e_mysql', '--update', '--config', '-', stdin=json.dumps(config))
        assert 'Access denied' in raises('DFF.SRC("e2e_mysql").check()')
    finally:
        node.ctl('source', 'delete', 'e2e_mysql')
        node.mysql("DROP USER e2e@'localhost'")
        forward.close()
    assert 'NotFoundException' in raises('DFF.SRC("e2e_mysql").check()')


def test_the_connector_of_redis_runs_commands(node, value):
    forward = Forward(node.setting('REDIS_SOCKET'))
    config = {'host': '127.0.0.1', 'port': forward.port, 'password': node.setting('REDIS_PASSWORD'),
              'database': 9}
    node.ctl('source', 'add', 'e2e_redis', '--type', 'redis', '--config', '-', stdin=json.dumps(config))
    try:
        assert value('DFF.SRC("e2e_redis").check()') is True
    finally:
        node.ctl('source', 'delete', 'e2e_redis')
        forward.close()


def test_a_connector_without_its_driver_says_which_package(node, raises):
    node.ctl('source', 'add', 'e2e_mongo', '--type', 'mongodb', '--config', '{"host": "h"}')
    try:
        text = raises('DFF.SRC("e2e_mongo").check()')
        assert 'NotSupportException' in text and 'python3-pymongo' in text
    finally:
        node.ctl('source', 'delete', 'e2e_mongo')


# --- what changes meanwhile ---------------------------------------------------------------------


def test_a_script_does_not_notice_that_api_processes_are_replaced(node, value, script):
    value('DFF.CACHE.delete("counted")')
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(
        node.call('auln-count', seconds=4, key='counted', timeout=60))) for _ in range(2)]
    for thread in threads:
        thread.start()
    before = wait_ready(node)
    for _ in range(2):
        pids = api_pids(node)
        os.kill(node.pid('executor'), signal.SIGUSR1)     # a new log file: new api processes
        wait_until(lambda: not set(pids) & set(api_pids(node)), 10, 'the end of the old ones')
    for thread in threads:
        thread.join()
    for answer in answers:
        assert answer.status == 200, answer.json['detail']
    wait_ready(node, 2, before)
