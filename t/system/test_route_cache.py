"""The route cache of nginx: how often Redis is asked, and how soon changes are heard."""

import json
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from detour import detour_nginx
from node import Node, wait_until
from wire import Redis

WORKERS = 3


class Gets:
    """Counts the GETs of each route that Redis sees while it is open."""

    def __init__(self, node):
        self.redis = Redis(node)
        self.other = Redis(node)
        self.redis('MONITOR')
        self.counts = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.redis.close()
        self.other.close()

    def of(self, link):
        """So far; what was sent before this call is counted."""
        mark = f'mark-{time.monotonic_ns()}'
        self.other('ECHO', mark)
        while mark not in (line := self.redis.read()):
            found = re.search(r'"GET" "dff:route:al:([^"]+)"', line)
            if found:
                self.counts[found[1]] = self.counts.get(found[1], 0) + 1
        return self.counts.get(link, 0)


def route(link, func='t__basic.echo', **fields):
    return json.dumps({'v': 1, 'id': link, 'kind': 'al', 'funcId': func, **fields})


def put(redis, link, publish=True, **fields):
    redis('SET', f'dff:route:al:{link}', route(link, **fields))
    if publish:
        redis('PUBLISH', 'dff:changed', f'route al {link}')


@pytest.fixture(scope='module')
def cluster(session_node, test_folder):
    """A node whose nginx has several workers and a small cache."""
    node = Node(test_folder / 'routes', session_node)
    try:
        path = node.install / 'nginx/nginx.conf'
        text = re.sub(r'worker_processes .*;', f'worker_processes {WORKERS};', path.read_text())
        path.write_text(text.replace('dff_route_cache  64m', 'dff_route_cache  256k'))
        node.start()
        node.publish_fixtures()
        yield node
    finally:
        alarms = node.destroy()
    assert not alarms, alarms


@pytest.fixture
def redis(cluster):
    client = Redis(cluster)
    yield client
    client.close()


def calls_at_once(node, link, count):
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: node.get(f'/api/v1/al/{link}'), range(count)))


def test_lookups_at_once_are_one_question_for_each_worker(cluster, redis):
    put(redis, 'auln-once', func='t__basic.ok')
    with Gets(cluster) as gets:
        redis('CLIENT', 'PAUSE', '300')
        answers = calls_at_once(cluster, 'auln-once', 40)
        assert {answer.text for answer in answers} == {'ok'}
        assert 1 <= gets.of('auln-once') <= WORKERS
        asked = gets.of('auln-once')
        assert {answer.text for answer in calls_at_once(cluster, 'auln-once', 40)} == {'ok'}
        assert gets.of('auln-once') == asked


def test_an_unknown_link_is_asked_for_once_and_known_as_soon_as_it_is_made(cluster, redis):
    with Gets(cluster) as gets:
        assert {cluster.get('/api/v1/al/auln-new').status for _ in range(30)} == {404}
        assert gets.of('auln-new') == 1
    put(redis, 'auln-new', func='t__basic.ok')
    wait_until(lambda: cluster.get('/api/v1/al/auln-new').text == 'ok', 1, 'the new link')


def test_a_deleted_link_is_unknown_at_once(cluster, redis):
    put(redis, 'auln-gone', func='t__basic.ok')
    wait_until(lambda: cluster.get('/api/v1/al/auln-gone').text == 'ok', 1)
    redis('DEL', 'dff:route:al:auln-gone')
    redis('PUBLISH', 'dff:changed', 'route al auln-gone')
    wait_until(lambda: cluster.get('/api/v1/al/auln-gone').status == 404, 1)


def test_a_change_is_heard_by_every_worker_within_100_ms(cluster, redis):
    """Callers on many connections, so on all workers; no call that starts later than that
    after the change may see what was before."""
    put(redis, 'auln-flip', kwargs={'n': 0}, isDisabled=False)
    changed_at = [time.monotonic()]
    stop = threading.Event()
    late, slowest, seen = [], [0.0], set()

    def caller():
        while not stop.is_set():
            round_now, begin = len(changed_at) - 1, time.monotonic()
            since = begin - changed_at[round_now]
            got = cluster.get('/api/v1/al/auln-flip')
            assert got.status == 200, got
            seen.add(got.json['n'])
            if got.json['n'] < round_now:
                slowest[0] = max(slowest[0], since)
                if since > 0.1:
                    late.append((round_now, got.json['n'], since))

    with ThreadPoolExecutor(6) as pool:
        callers = [pool.submit(caller) for _ in range(6)]
        for n in range(1, 16):
            put(redis, 'auln-flip', kwargs={'n': n})
            changed_at.append(time.monotonic())
            time.sleep(0.2)
        stop.set()
        for one in callers:
            one.result()
    assert not late, f'old routes later than 100 ms after a change: {late[:5]}'
    assert max(seen) == 15
    print(f'slowest change: {slowest[0] * 1000:.1f} ms')


def test_a_change_whose_message_was_lost_is_seen_after_15_s_at_the_latest(cluster, redis):
    put(redis, 'auln-lost', kwargs={'n': 1})
    wait_until(lambda: cluster.get('/api/v1/al/auln-lost').json['n'] == 1, 1)
    time.sleep(0.5)         # every worker has had the message: it voids what was read before it
    begin = time.monotonic()
    assert cluster.get('/api/v1/al/auln-lost').json['n'] == 1
    put(redis, 'auln-lost', publish=False, kwargs={'n': 2})
    assert cluster.get('/api/v1/al/auln-lost').json['n'] == 1     # from the cache

    wait_until(lambda: cluster.get('/api/v1/al/auln-lost').json['n'] == 2, 17, 'the new route')
    assert 10 < time.monotonic() - begin < 16


def test_thousands_of_links_in_a_tiny_cache_are_right_and_a_busy_one_stays(cluster, redis):
    count = 4000
    for n in range(count):
        redis.send('SET', f'dff:route:al:auln-many-{n}',
                   route(f'auln-many-{n}', isDisabled=n % 2 == 0, funcGone=n % 2 == 1))
    for n in range(count):
        redis.read()
    put(redis, 'auln-busy', isDisabled=True)

    def sweep(numbers):
        import http.client
        connection = http.client.HTTPConnection('127.0.0.1', cluster.port, timeout=10)
        busy = 0

        def status(link):
            connection.request('GET', f'/api/v1/al/{link}')
            answer = connection.getresponse()
            answer.read()
            return answer.status

        for n in numbers:
            assert status(f'auln-many-{n}') == (403 if n % 2 == 0 else 404)
            if n % 5 == 0:
                assert status('auln-busy') == 403
                busy += 1
        connection.close()
        return busy

    with Gets(cluster) as gets, ThreadPoolExecutor(4) as pool:
        busy = sum(pool.map(sweep, [range(k, count, 4) for k in range(4)]))
        assert gets.of('auln-busy') < busy / 20
        first = sum(gets.counts.get(f'auln-many-{n}', 0) for n in range(count))
        assert first == count
        list(pool.map(sweep, [range(k, 400, 4) for k in range(4)]))
        gets.of('')
        # evicted in the meantime, so asked again
        assert sum(gets.counts.values()) > first + 300
    for n in range(count):
        redis.send('DEL', f'dff:route:al:auln-many-{n}')
    for n in range(count):
        redis.read()


def test_after_a_reload_the_cache_answers_and_hears_changes(cluster, redis):
    put(redis, 'auln-again', kwargs={'n': 0})
    old = set(cluster.processes('nginx'))
    for n in range(1, 4):
        cluster.reload('nginx')
        assert cluster.get('/api/v1/al/auln-again').json['n'] == n - 1
        put(redis, 'auln-again', kwargs={'n': n})
        wait_until(lambda: cluster.get('/api/v1/al/auln-again').json['n'] == n, 1)
    wait_until(lambda: len(set(cluster.processes('nginx')) & old) == 1, 10,
               'the end of the old workers')
    with Gets(cluster) as gets:
        assert {cluster.get('/api/v1/al/auln-again').json['n'] for _ in range(30)} == {3}
        assert gets.of('auln-again') <= 1


class SlowRedis:
    """Stands between nginx and Redis and, while it is told to, holds back the answers of
    every connection that has asked for a route."""

    def __init__(self, path, target):
        self.target = target
        self.held = threading.Event()
        self.hold = False
        self.release = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        path.chmod(0o777)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            asked = threading.Event()
            for words in ((client, server, asked, None), (server, client, None, asked)):
                threading.Thread(target=self.copy, args=words, daemon=True).start()

    def copy(self, source, target, asks, asked):
        try:
            while data := source.recv(65536):
                if asks is not None and b'dff:route:' in data:
                    asks.set()
                if asked is not None and self.hold and asked.is_set():
                    self.held.set()
                    self.release.wait(5)
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.release.set()
        self.listener.close()


@pytest.fixture
def slow(make_node, test_folder):
    """A node with one nginx worker, whose way to Redis can be held up."""
    node = make_node()
    proxy_path = test_folder / f'slow{node.port}.sock'
    detour_nginx(node, REDIS_SOCKET=proxy_path)
    path = node.install / 'nginx/nginx.conf'
    path.write_text(re.sub(r'worker_processes .*;', 'worker_processes 1;', path.read_text()))
    node.proxy = SlowRedis(proxy_path, node.setting('REDIS_SOCKET'))
    try:
        node.start()
        node.publish_fixtures()
        wait_until(lambda: node.get('/api/v1/al/auln-ok').text == 'ok', 5)
        yield node
    finally:
        node.stop('nginx')
        node.proxy.close()


def test_what_was_read_before_a_change_is_not_stored_after_it(slow):
    """The answer to a lookup is under way while the change is heard."""
    redis = Redis(slow)
    put(redis, 'auln-race', publish=False, kwargs={'n': 1})
    with ThreadPoolExecutor(1) as pool:
        slow.proxy.hold = True
        first = pool.submit(slow.get, '/api/v1/al/auln-race')
        assert slow.proxy.held.wait(5)
        put(redis, 'auln-race', kwargs={'n': 2})
        time.sleep(0.2)                  # the change arrives on another connection
        slow.proxy.hold = False
        slow.proxy.release.set()
        assert first.result().json['n'] == 1
    assert slow.get('/api/v1/al/auln-race').json['n'] == 2
    redis.close()


def test_a_lookup_that_a_reload_overtakes_is_answered(slow):
    old = set(slow.processes('nginx')) - {slow.pid('nginx')}
    redis = Redis(slow)
    put(redis, 'auln-overtaken', func='t__basic.ok')
    with ThreadPoolExecutor(1) as pool:
        slow.proxy.hold = True
        first = pool.submit(slow.get, '/api/v1/al/auln-overtaken')
        assert slow.proxy.held.wait(5)
        os.kill(slow.pid('nginx'), signal.SIGHUP)
        wait_until(lambda: len(slow.processes('nginx')) == 3, 5, 'the new worker')
        time.sleep(0.3)                  # the old one has nothing else to do
        slow.proxy.hold = False
        slow.proxy.release.set()
        assert first.result().text == 'ok'
    wait_until(lambda: not old & set(slow.processes('nginx')), 5, 'the end of the old worker')
    redis.close()
