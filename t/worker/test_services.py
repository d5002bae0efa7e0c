"""ENV, STORE, CACHE, FUNC and SRC as a script sees them, against services that are played."""

import os
import socket
import tempfile
import threading
import time

import pytest

import driver
from fake_services import FakeServices


class NotFoundException(Exception):
    """Only its name is sent."""


class OddException(Exception):
    pass


ENV = [
    {'id': 'S', 'value': ' 1 ', 'type': 'string', 'title': 'T'},
    {'id': 'I', 'value': '-7', 'type': 'integer', 'title': None},
    {'id': 'F', 'value': '1e3', 'type': 'float', 'title': None},
    {'id': 'B', 'value': 'No', 'type': 'boolean', 'title': None},
    {'id': 'J', 'value': '{"a":[1]}', 'type': 'json', 'title': None},
    {'id': 'C', 'value': 'a, b,,c', 'type': 'commaArray', 'title': None},
    {'id': 'E', 'value': '', 'type': 'commaArray', 'title': None},
    {'id': 'BAD', 'value': 'x', 'type': 'integer', 'title': None},
]


class World:
    """A zygote whose workers talk to played services, and one worker."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='dff-services-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, 's')
        self.store = {}
        self.env = list(ENV)
        self.zygote = driver.Zygote(servicesSocket=self.path)
        self.start()

    def start(self):
        self.services = FakeServices(self.path, {
            'env.list': lambda request: self.env,
            'store.set': self._set,
            'store.get': lambda r: self.store.get((r['scope'], r['key'])),
            'store.delete': lambda r: self.store.pop((r['scope'], r['key']), None) is not None,
            'func.start': lambda request: 'task-2',
            'src.get': self._src,
            'odd': lambda request: 1,
        })

    def _set(self, request):
        if request['notExists'] and (request['scope'], request['key']) in self.store:
            return False
        self.store[request['scope'], request['key']] = request['value']
        return True

    @staticmethod
    def _src(request):
        raise NotFoundException(f'no such data source: {request["id"]}')

    def ask(self, op):
        return [request for request in self.services.requests if request['op'] == op]

    def close(self):
        self.services.close()
        assert self.zygote.end() == 0
        os.rmdir(self.folder)


@pytest.fixture(scope='module')
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture
def worker(world):
    worker = world.zygote.worker()
    yield worker
    worker.close()
    assert worker.exit_status()[0] == 0, world.zygote.stderr()


# --- ENV ----------------------------------------------------------------------------

def test_variables_are_cast(worker):
    reply = worker.run('def f():\n    return [DFF.ENV(id) for id in "SIFBJCE"]')
    assert reply.value == [' 1 ', -7, 1000, False, {'a': [1]}, ['a', 'b', '', 'c'], []]
    reply = worker.run('def f():\n    return [DFF.env.get("S"), DFF.ENV.get("none"),'
                       ' DFF.ENV.get("none", 5)]')
    assert reply.value == [' 1 ', None, 5]


def test_a_missing_variable_and_a_bad_value_are_named(worker):
    reply = worker.run('def f():\n    x = 1\n    return DFF.ENV("none")')
    assert reply.etype == 'NotFoundException'
    assert reply.einfo == 'return DFF.ENV("none")\nDFF.NotFoundException: DFF.ENV: there is no' \
                          " environment variable 'none'"
    reply = worker.run('def f(): return DFF.ENV("BAD")')
    assert reply.etype == 'ValueError' and '"BAD" is not of type integer' in reply.einfo


@pytest.mark.parametrize('word,value', [
    *((word, True) for word in ('true', 'O', 'y', 'yes', 'OK', 'on', '1', '12')),
    *((word, False) for word in ('false', 'x', 'n', 'no', 'NG', 'off', '0', '-1', ''))])
def test_words_of_booleans(world, worker, word, value):
    world.env = [{'id': 'B', 'value': word, 'type': 'boolean', 'title': None}]
    try:
        assert worker.run('def f(): return DFF.ENV("B")').value is value
    finally:
        world.env = list(ENV)


def test_the_list_has_all(world, worker):
    world.env = ENV[:2]
    try:
        assert worker.run('def f(): return DFF.ENV.list()').value == [
            {'id': 'S', 'title': 'T', 'type': 'string', 'value': ' 1 '},
            {'id': 'I', 'title': None, 'type': 'integer', 'value': -7}]
    finally:
        world.env = list(ENV)


def test_a_change_is_seen_within_a_second_and_not_asked_for_each_time(world, worker):
    before = len(world.ask('env.list'))
    body = 'def f(): return DFF.ENV("I")'
    for _ in range(20):
        assert worker.run(body).value == -7
    assert len(world.ask('env.list')) - before <= 2
    world.env = [{**ENV[1], 'value': '8'}]
    changed = time.monotonic()
    try:
        while worker.run(body).value != 8:
            assert time.monotonic() - changed < 1.1
            time.sleep(0.02)
    finally:
        world.env = list(ENV)


def test_what_a_call_does_to_a_value_is_not_seen_by_the_next(worker):
    assert worker.run('def f():\n    DFF.ENV("J")["a"].append(2)\n    return DFF.ENV("J")'
                      ).value == {'a': [1]}


# --- STORE, CACHE ---------------------------------------------------------------------

def test_a_stored_value_is_read_back_under_the_scope_of_the_script(world, worker):
    worker.script('demo__lib', 'def put(): DFF.STORE.set("k", "lib")')
    value = {'a': [1, None, True, 'x中'], 'b': 1.5}
    reply = worker.run('import demo__lib\ndef f(v):\n    demo__lib.put()\n'
                       '    first = DFF.STORE.set("k", v)\n'
                       '    return [first, DFF.STORE.get("k"), DFF.STORE.get("k", scope="demo__lib"),'
                       ' DFF.STORE.set("k", 1, not_exists=True), DFF.STORE.get("none"),'
                       ' DFF.STORE.set("k2", 1, "s", 10, True)]', {'v': value})
    assert reply.value == [True, value, 'lib', False, None, True]
    assert world.store['demo__it', 'k'] == value
    assert world.ask('store.set')[-1] == {'op': 'store.set', 'key': 'k2', 'value': 1, 'scope': 's',
                                          'expire': 10, 'notExists': True}
    assert worker.run('def f():\n    DFF.STORE.delete("k")\n    return DFF.STORE.get("k")'
                      ).value is None


BAD = [
    ('DFF.STORE.set("", 1)', 'InvalidOptionException', 'key must be a str of 1 to 256'),
    ('DFF.STORE.set("k" * 257, 1)', 'InvalidOptionException', 'key must be'),
    ('DFF.STORE.get(5)', 'InvalidOptionException', 'got 5'),
    ('DFF.STORE.get("k", "s" * 257)', 'InvalidOptionException', 'scope must be'),
    ('DFF.STORE.set("k", {1, 2})', 'TypeError', 'set is not JSON serializable'),
    ('DFF.STORE.set("k", float("nan"))', 'ValueError', 'no JSON'),
    ('DFF.STORE.set("k", "\\ud800")', 'ValueError', 'lone surrogate'),
    ('a = []; a.append(a); DFF.STORE.set("k", a)', 'ValueError', 'Circular'),
    ('DFF.STORE.set("k", 1, expire=0)', 'InvalidOptionException', 'above 0'),
    ('DFF.STORE.set("k", 1, expire="1")', 'InvalidOptionException', "got '1'"),
    ('DFF.STORE.set("k", 1, expire=True)', 'InvalidOptionException', 'got True'),
    ('DFF.CACHE.incr("k", 1.5)', 'InvalidOptionException', 'step must be an int'),
    ('DFF.CACHE.hset("k", "", 1)', 'InvalidOptionException', 'field must be'),
    ('DFF.CACHE.hmset("k", {})', 'InvalidOptionException', 'obj must be a dict'),
    ('DFF.CACHE.lrange("k", "0")', 'InvalidOptionException', 'start must be an int'),
    ('DFF.CACHE.expire("k", -1)', 'InvalidOptionException', 'above 0'),
    ('DFF.SRC(5)', 'InvalidOptionException', 'id must be a str'),
    ('DFF.SRC("none")', 'NotFoundException', 'no such data source: none'),
    ('DFF.FUNC(5)', 'InvalidOptionException', 'func_id must be a str'),
    ('DFF.FUNC("demo__it.g", [])', 'InvalidOptionException', 'kwargs must be a dict'),
]


@pytest.mark.parametrize('code,etype,says', BAD)
def test_bad_arguments_are_refused_by_name(worker, code, etype, says):
    reply = worker.run(f'def f():\n    {code}')
    assert reply.status == 'failure' and reply.etype == etype
    assert says in reply.einfo and reply.einfo.startswith(code)
    assert worker.run('def f(): return DFF.STORE.get("none")').value is None


# --- FUNC ------------------------------------------------------------------------------

def test_a_function_is_started_with_where_it_comes_from(world, worker):
    reply = worker.run('def f(): return DFF.FUNC("demo__other.g", {"x": 1})', origin='authLink',
                       originId='auln-x', trace='TRACE-1', queue=3, root='task-0',
                       chain='demo__first.h')
    assert reply.value == 'task-2'
    assert world.ask('func.start')[-1] == {
        'op': 'func.start', 'funcId': 'demo__other.g', 'kwargs': {'x': 1}, 'origin': 'authLink',
        'originId': 'auln-x', 'rootTaskId': 'task-0', 'queue': 3, 'traceId': 'TRACE-1',
        'chain': ['demo__first.h', 'demo__it.f']}
    worker.run('def f(): return DFF.FUNC("__other.g")')
    assert world.ask('func.start')[-1]['funcId'] == 'demo__other.g'


def test_a_chain_is_bounded_and_has_no_function_twice(world, worker):
    body = 'def f(): return DFF.FUNC("demo__it.last")'
    chain = ','.join(f'demo__it.f{n}' for n in range(4))
    reply = worker.run(body, chain=chain)
    assert reply.etype == 'FuncChainTooLongException'
    assert 'at most 5 functions: demo__it.f0 -> ' in reply.einfo
    assert worker.run(body, chain='demo__it.f0,demo__it.f1,demo__it.f2').value == 'task-2'
    reply = worker.run(body, chain='demo__it.last')
    assert reply.etype == 'DuplicationException'
    assert 'demo__it.last -> demo__it.f -> demo__it.last' in reply.einfo
    assert worker.run('def f(): return DFF.FUNC("demo__it.f")').etype == 'DuplicationException'


# --- the connection ----------------------------------------------------------------------

GET = 'def f(): return DFF.STORE.get("k")'


def test_a_call_that_uses_none_opens_no_connection(world, worker):
    before = len(world.services.connections)
    for _ in range(5):
        assert worker.run('def f(): return DFF.CTX.get_all()').value == {}
    assert len(world.services.connections) == before
    for _ in range(5):
        worker.run(GET)
    assert len(world.services.connections) == before + 1


@pytest.mark.parametrize('does', [
    'for fd in range(4, 20):\n        try: os.close(fd)\n        except OSError: pass',
    'for fd in range(4, 20):\n        try: os.close(fd)\n        except OSError: pass\n'
    '    sys.odd = [open("/dev/null") for _ in range(20)]',
    'os.closerange(4, 100); a, b = socket.socketpair(); sys.odd = [a, b]',
])
def test_a_closed_descriptor_is_noticed_and_a_stranger_with_its_number_left_alone(worker, does):
    assert worker.run(GET).value is None
    worker.run(f'import os, socket, sys\ndef f():\n    {does}')
    for _ in range(2):
        assert worker.run(GET).value is None
    reply = worker.run('import sys\ndef f():\n    return [x.fileno() for x in'
                       ' getattr(sys, "odd", [])]')
    assert -1 not in reply.value


def test_services_that_restart_are_found_again(world, worker):
    worker.run('def f(): DFF.STORE.set("k", 5)')
    assert worker.run(GET).value == 5
    world.services.close()
    restart = threading.Timer(0.3, world.start)
    restart.start()
    assert worker.run(GET).value == 5      # it waits for them
    restart.join()
    worker.run('def f(): DFF.STORE.delete("k")')


def test_a_service_that_takes_no_more_is_asked_no_more(world, worker):
    assert worker.run(GET).value is None
    world.services.connections[-1].shutdown(socket.SHUT_RD)      # as one that is to end does
    reply = worker.run('def f(): return [DFF.STORE.set("big", "x" * (1 << 20)),'
                       ' DFF.STORE.delete("big")]')
    assert reply.value == [True, True]


def test_services_that_are_away_are_told_as_that(world, worker):
    world.services.close()
    try:
        begin = time.monotonic()
        reply = worker.run(GET)
        assert reply.etype == 'ConnectionError' and 'cannot be reached' in reply.einfo
        assert 2 < time.monotonic() - begin < 5
    finally:
        world.start()
    assert worker.run(GET).value is None


@pytest.mark.parametrize('answer,etype,says', [
    (lambda r: FakeServices.CLOSE, 'ConnectionError', 'whether they have done it is unknown'),
    (lambda r: b'nonsense', 'ConnectionError', 'unknown'),
    (lambda r: b'[1]', 'ConnectionError', 'no JSON object'),
    (lambda r: b'{"ok":false,"error":"OddException","message":"m"}', 'DataFluxFuncBaseException',
     'OddException: m'),
    (lambda r: b'{"ok":false,"error":"exec","message":"m"}', 'DataFluxFuncBaseException', 'exec'),
    (lambda r: b'{"ok":false,"error":"ValueError","message":"m"}', 'ValueError', 'ValueError: m'),
    (lambda r: b'{}', 'DataFluxFuncBaseException', 'None'),
])
def test_odd_answers_fail_the_call_alone(world, worker, answer, etype, says):
    good = world.services.answers['store.get']
    world.services.answers['store.get'] = answer
    try:
        reply = worker.run(GET)
        assert reply.etype == etype and says in reply.einfo
    finally:
        world.services.answers['store.get'] = good
    assert worker.run(GET).value is None


def test_the_time_limit_ends_the_wait_and_the_late_answer_is_nobodys(world, worker):
    release = threading.Event()
    good = world.services.answers['store.get']
    world.services.answers['store.get'] = lambda request: (release.wait(20), 'late')[1]
    try:
        worker.version = getattr(worker, 'version', 0) + 1
        worker.script('demo__it', GET, worker.version)
        worker.start('demo__it.f')
        deadline = time.monotonic() + 10
        reply = None
        while reply is None:
            assert time.monotonic() < deadline
            worker.soft_limit()
            try:
                reply = worker.result(0.1)
            except TimeoutError:
                pass
        assert reply.status == 'timeout'
    finally:
        world.services.answers['store.get'] = good
        release.set()
    assert worker.run(GET).value is None


def test_a_fork_of_the_script_has_a_connection_of_its_own(worker):
    reply = worker.run(
        'import os\ndef f():\n    DFF.STORE.set("k", 1)\n    pid = os.fork()\n'
        '    if pid == 0:\n        for _ in range(50): DFF.STORE.set("child", 2)\n'
        '        os._exit(0)\n'
        '    values = {DFF.STORE.get("k") for _ in range(50)}\n    os.waitpid(pid, 0)\n'
        '    return [list(values), DFF.STORE.get("child")]')
    assert reply.value == [[1], 2]
    worker.run('def f(): DFF.STORE.delete("k")')


def test_threads_share_the_connection(worker):
    reply = worker.run('def g(n):\n    for _ in range(20):\n        DFF.STORE.set(f"t{n}", n)\n'
                       '        assert DFF.STORE.get(f"t{n}") == n\n    return n\n'
                       'def f():\n    for n in range(10): DFF.THREAD.start(g, [n], key=n)\n'
                       '    return sorted(DFF.THREAD.get_result().values())')
    assert reply.value == list(range(10)) and not reply.recycle


def test_without_a_socket_it_is_said(zygote):
    other = zygote.worker()
    assert other.run(GET).etype == 'NotSupportException'
    other.close()
