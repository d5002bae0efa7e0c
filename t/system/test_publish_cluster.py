"""Publishing on two nodes. What a client publishes is what both run, under load, at once and for
good. And kill -9 of who publishes: whatever it was doing, MySQL, Redis and what each node answers
agree in the end, on the old or the new version, also when nobody publishes anything any more."""

import concurrent.futures
import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from api import administrator, good
from faults import LONG
from node import process_alive, wait_until
from pair import api_processes, in_mysql, in_redis, two_nodes

SCRIPT = 'death__one'
CODE = '''@DFF.API('Which')
def which(x=0):
    return {version}
'''
CALLERS = 4             # under load, for each node
PUBLISHES = 8
LIVE_S = 0.1            # a node, with the others' load on the machine
STALE_S = 1.0           # never longer
ROUNDS = 40 if LONG else 5      # of kills
REPAIRED_S = 12         # the repair is due after 3 s; the others' load costs the rest


@pytest.fixture(scope='module')
def cluster(session_node, test_folder):
    with two_nodes(session_node, test_folder) as (home, other):
        admin = administrator(home)
        admin.add('script-sets', id='death')
        admin.add('scripts', id=SCRIPT, codeDraft=CODE.format(version=1))
        good(publish(admin))
        admin.add('auth-links', id='auln-which', funcId=f'{SCRIPT}.which', funcCallKwargsJSON={})
        for node in (home, other):
            node.allow('api process', 'signal 9', 'but not told to Redis')
            wait_until(lambda: node.call('auln-which').text == '1', 10, 'a call')
        yield home, other, admin


def publish(admin):
    return admin.post(f'/api/v1/scripts/{SCRIPT}/do/publish', {})


def publish_next(admin, home):
    """A draft of the next version; its number."""
    version = in_mysql(home, SCRIPT) + 1
    admin.modify('scripts', SCRIPT, codeDraft=CODE.format(version=version))
    return version

class Caller(threading.Thread):
    """Calls one node as fast as it answers; keeps (begin, end, version) of each call."""

    def __init__(self, node, ending):
        super().__init__(daemon=True)
        self.node, self.ending = node, ending
        self.calls, self.failure = [], None

    def run(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.node.port, timeout=30)
        try:
            while not self.ending.is_set():
                begin = time.monotonic()
                connection.request('GET', '/api/v1/al/auln-which')
                answer = connection.getresponse()
                text = answer.read().decode()
                if answer.status != 200:
                    self.failure = f'{answer.status} {text}'
                    return
                self.calls.append((begin, time.monotonic(), json.loads(text)))
        finally:
            connection.close()


def test_a_published_script_is_live_on_two_nodes_under_load(cluster):
    home, other, admin = cluster
    ending = threading.Event()
    callers = [Caller(node, ending) for node in (home, other) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    published = []          # (when it was answered, version)
    try:
        for _ in range(PUBLISHES):
            version = publish_next(admin, home)
            good(publish(admin))
            published.append((time.monotonic(), version))
            time.sleep(0.3)
        time.sleep(STALE_S + 0.2)
    finally:
        ending.set()
        for caller in callers:
            caller.join(60)
    assert not [caller.failure for caller in callers if caller.failure]

    # s: how long after the answer to its publish, and after the first sight of a version
    # anywhere, a node still began calls of an older one
    late, spread = [], []
    for node in (home, other):
        calls = [call for caller in callers if caller.node is node for call in caller.calls]
        assert len(calls) > 50, 'no load'
        for when, version in published:
            first = min(end for caller in callers for _, end, told in caller.calls
                        if told >= version)
            last = max(begin for begin, _, told in calls if told < version)
            late.append(max(0.0, last - when))
            spread.append(max(0.0, last - first))
        assert calls[-1][2] == published[-1][1]
    late.sort()
    spread.sort()
    print(sum(len(caller.calls) for caller in callers), 'calls; old versions after an answered '
          f'publish, ms: median {late[len(late) // 2] * 1000:.1f}, most {late[-1] * 1000:.1f}; '
          f'after the first new one: median {spread[len(spread) // 2] * 1000:.1f}, '
          f'most {spread[-1] * 1000:.1f}')
    assert late[-1] < STALE_S, late
    assert late[len(late) // 2] < LIVE_S, late
    assert spread[len(spread) // 2] < LIVE_S, spread


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def answers(home, other):
    """What the stores and the nodes say; one element: they agree."""
    said = {in_mysql(home, SCRIPT), in_redis(home, SCRIPT)}
    for node in (home, other):
        answer = node.call('auln-which')
        said.add(int(answer.text) if answer.status == 200 else answer.text)
    return said


def agree(home, other):
    said = set()

    def one():
        said.clear()
        said.update(answers(home, other))
        return len(said) == 1

    try:
        wait_until(one, REPAIRED_S, 'agreement')
    except AssertionError:
        raise AssertionError(f'MySQL, Redis and two nodes say {said}') from None
    return said.pop()


class Lock:
    """Holds rows of MySQL, so that who wants them waits."""

    def __init__(self, node, select):
        home = node.mysql_of or node
        self.process = subprocess.Popen(
            ['mariadb', '--no-defaults', f'--socket={home.install}/run/mysql/mysql.sock',
             '--user=root', '--batch', '--skip-column-names', '--unbuffered',
             node.setting('MYSQL_DATABASE') or 'dataflux_func'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f"BEGIN; {select} FOR UPDATE; SELECT 'held';\n")
        self.process.stdin.flush()
        while 'held' not in self.process.stdout.readline():
            assert self.process.poll() is None

    def release(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def test_a_death_between_mysql_and_redis_is_made_good_by_another(cluster):
    home, other, admin = cluster
    version = publish_next(admin, home)
    # Redis is told under a lock on the routes: whoever publishes stops there.
    lock = Lock(home, "SELECT id FROM auth_link WHERE id = 'auln-which'")
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(publish, admin)
            wait_until(lambda: in_mysql(home, SCRIPT) == version, 20, 'the commit')
            assert answers(home, other) == {version - 1, version}
            pids = api_processes(home)
            kill(pids)
            wait_until(lambda: not any(process_alive(pid) for pid in pids), 5, 'their end')
            future.result()
    finally:
        lock.release()
    assert agree(home, other) == version
    wait_until(lambda: home.sql('SELECT COUNT(*) FROM unsynced;').strip() == '0', 5, 'no mark')


def test_a_dffctl_that_dies_between_mysql_and_redis(cluster, tmp_path):
    home, other, admin = cluster
    version = publish_next(admin, home)
    path = tmp_path / 'one.py'
    path.write_text(CODE.format(version=version))
    lock = Lock(home, "SELECT id FROM auth_link WHERE id = 'auln-which'")
    try:
        ctl = subprocess.Popen([home.install / 'bin/dffctl', '--config', home.config, 'script',
                                'publish', path, '--id', SCRIPT])
        wait_until(lambda: in_mysql(home, SCRIPT) == version, 20, 'the commit')
        ctl.kill()
        ctl.wait()
    finally:
        lock.release()
    assert agree(home, other) == version


def test_deaths_at_random_moments_leave_the_old_or_the_new_version(cluster):
    home, other, admin = cluster
    seed = int.from_bytes(os.urandom(4), 'big')
    chance = random.Random(seed)
    print('seed', seed)
    version = agree(home, other)
    for turn in range(ROUNDS):
        code = CODE.format(version=version + 1) + f'# {turn}\n'
        wait_until(lambda: admin.post(f'/api/v1/scripts/{SCRIPT}/do/modify', {
            'data': {'codeDraft': code}}).status == 200, 20, 'a draft')
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(publish, admin)
            time.sleep(chance.uniform(0, 0.08))
            kill(api_processes(home))
            future.result()
        now = agree(home, other)
        assert now in (version, version + 1), (turn, version, now)
        version = now


def test_deaths_while_links_are_changed(cluster):
    """Disabled or not: the row, the route and what both nodes answer are one."""
    home, other, admin = cluster
    chance = random.Random(1)

    def states():
        row = home.sql("SELECT isDisabled FROM auth_link WHERE id = 'auln-which';").strip()
        return {row == '1'} | {node.call('auln-which').status != 200 for node in (home, other)}

    for turn in range(ROUNDS):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(admin.post, '/api/v1/auth-links/auln-which/do/modify',
                                 {'data': {'isDisabled': turn % 2 == 0}})
            time.sleep(chance.uniform(0, 0.02))
            kill(api_processes(home))
            future.result()
        wait_until(lambda: len(states()) == 1, REPAIRED_S, 'agreement')
