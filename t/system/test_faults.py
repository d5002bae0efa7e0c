"""Parts are killed and stopped under load: nothing is lost silently, nothing starts twice,
everything heals by itself. What each caller was told is compared with what ran."""

import os
import pathlib
import random
import signal
import time

import pytest

from faults import HALT_S, LOAD_S, LONG, Load, check, settle
from node import Node, process_depth


@pytest.fixture(scope='module')
def faulty(test_folder):
    """One node with a MariaDB of its own for all of these tests."""
    node = Node(test_folder / 'faulty', settings={
        '_WORKER_CONCURRENCY': 3, '_WORKER_MAX_CONCURRENCY': 8, 'LOG_LEVEL': 'WARNING'})
    try:
        node.start()
        node.publish_fixtures()
        yield node
    finally:
        node.destroy()


def workers_of_nginx(node):
    return [pid for pid in node.processes('nginx') if pid != node.pid('nginx')]


def kill_workers(node):
    # Of all groups: every third one or so has a job.
    kills = 120 if LONG else 20
    for _ in range(kills):
        workers = node.python_workers()
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)
        time.sleep(0.15)
    return kills


def kill_zygote(node):
    # Its workers become children of the master, so first who, then the kill.
    zygotes = [pid for pid in node.processes('executor')
               if process_depth(pid, node.pid('executor')) == 1
               and b'--zygote' in pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()]
    assert len(zygotes) == 1
    os.kill(zygotes[0], signal.SIGKILL)


def kill_master(node):
    for _ in range(5 if LONG else 1):
        node.kill('executor')
        node.start('executor')
        time.sleep(LOAD_S / 2)


def kill_nginx_workers(node):
    for _ in range(20 if LONG else 3):
        os.kill(random.choice(workers_of_nginx(node)), signal.SIGKILL)
        time.sleep(0.5)


def kill_redis(node):
    for _ in range(5 if LONG else 1):
        node.kill('redis')
        node.start('redis')
        time.sleep(LOAD_S)


def kill_redis_that_syncs_always(node):
    node.redis('CONFIG', 'SET', 'appendfsync', 'always')
    conf = node.install / 'redis/redis.conf'
    text = conf.read_text()
    conf.write_text(text.replace('appendfsync everysec', 'appendfsync always'))
    try:
        kill_redis(node)
    finally:
        conf.write_text(text)
        node.redis('CONFIG', 'SET', 'appendfsync', 'everysec')


def kill_mysql(node):
    node.kill('mysql')
    time.sleep(HALT_S / 2)
    node.start('mysql')


def halt(pids):
    """SIGSTOP for a while: nothing is closed, nothing is answered."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(HALT_S)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


FAULTS = {
    'kill -9 of workers': kill_workers,
    'kill -9 of the zygote': kill_zygote,
    'kill -9 of the master': kill_master,
    'kill -9 of nginx workers': kill_nginx_workers,
    'kill -9 of Redis, AOF everysec': kill_redis,
    'kill -9 of Redis, AOF always': kill_redis_that_syncs_always,
    'kill -9 of MariaDB': kill_mysql,
    'SIGSTOP of a worker': lambda node: halt(node.python_workers()[:1]),
    'SIGSTOP of the master': lambda node: halt([node.pid('executor')]),
    'SIGSTOP of nginx workers': lambda node: halt(workers_of_nginx(node)),
    'SIGSTOP of Redis': lambda node: halt([node.pid('redis')]),
    'SIGSTOP of MariaDB': lambda node: halt([node.pid('mysql')]),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_under_load_nothing_is_lost_and_nothing_starts_twice(faulty, fault):
    # long enough to be hit in the middle, where workers are hit
    with Load(faulty, seconds=0.05 if 'workers' in fault else 0.005) as load:
        done = FAULTS[fault](faulty)
        load.after()
    settle(faulty)
    words = check(load)
    print(f'{fault}: {dict(words)}')
    assert words['ok'] > 50
    if 'MariaDB' in fault or 'zygote' in fault or 'SIGSTOP of a worker' in fault:
        assert set(words) == {'ok'}, words
    if 'of workers' in fault:
        assert 0 < words['lost'] <= done and set(words) == {'ok', 'lost'}, words
