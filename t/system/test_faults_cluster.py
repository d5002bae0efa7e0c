"""Nodes that vanish: killed, paused, or cut off from the network, each with jobs that it has
claimed and started. Another node takes over, and what comes late is refused."""

import json
import os
import signal
import subprocess
import time

import pytest

from faults import LONG, Load, check, settle
from node import free_port, run, wait_until
from redis_proxy import RedisProxy

DEAD_S = 30         # from the last sign of life to the recovery of the jobs (G2)


class Network:
    """A network namespace with one cable to here, for a node that can be unplugged."""

    def __init__(self):
        self.name = f'dff{os.getpid()}'
        self.here, self.there = f'{self.name}a'[-15:], f'{self.name}b'[-15:]
        number = os.getpid() % 250
        self.address, self.other = f'10.213.{number}.1', f'10.213.{number}.2'

    @staticmethod
    def permitted():
        done = subprocess.run(['unshare', '--net', 'true'], capture_output=True)
        return done.returncode == 0

    def __enter__(self):
        run(['ip', 'netns', 'add', self.name])
        try:
            run(['ip', 'link', 'add', self.here, 'type', 'veth', 'peer', 'name', self.there])
            run(['ip', 'link', 'set', self.there, 'netns', self.name])
            run(['ip', 'addr', 'add', f'{self.address}/30', 'dev', self.here])
            run(['ip', 'link', 'set', self.here, 'up'])
            self.inside('ip', 'addr', 'add', f'{self.other}/30', 'dev', self.there)
            self.inside('ip', 'link', 'set', self.there, 'up')
            self.inside('ip', 'link', 'set', 'lo', 'up')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # The cable goes with the namespace.
        run(['ip', 'netns', 'del', self.name])

    def inside(self, *words):
        # `ip netns exec` would mount as well, which a chroot does not allow
        return run(['nsenter', f'--net=/run/netns/{self.name}', *words])

    def unplug(self):
        run(['ip', 'link', 'set', self.here, 'down'])

    def plug(self):
        run(['ip', 'link', 'set', self.here, 'up'])


def name_of(node):
    return node.setting('_NODE_NAME')


def started(node, home):
    return home.redis('HLEN', f'dff:started:{name_of(node)}')


def refused_late(node, home):
    text = home.redis('GET', f'dff:node:{name_of(node)}')
    return json.loads(text)['counters']['refused_late'] if text else 0


@pytest.fixture
def home(make_node):
    """The node with Redis and nginx."""
    node = make_node(LOG_LEVEL='INFO', _WORKER_CONCURRENCY=3, _WORKER_MAX_CONCURRENCY=6)
    node.allow('is lost: node', 'signal 9')
    node.tcp_port = free_port()
    conf = node.install / 'redis/redis.conf'
    lines = [line for line in conf.read_text().splitlines()
             if line.split(' ')[0] not in ('port', 'bind')]
    conf.write_text('\n'.join(lines + [f'port {node.tcp_port}', 'bind 0.0.0.0']) + '\n')
    node.start()
    node.publish_fixtures()
    return node


def vanish_by_kill(node, _):
    node.kill('executor')


def vanish_by_pause(node, _):
    node.kill('executor', signal.SIGSTOP)


def vanish_by_cut(_, network):
    network.unplug()


def return_from_kill(node, _):
    node.start('executor')


def return_from_pause(node, _):
    node.kill('executor', signal.SIGCONT)


def return_from_cut(_, network):
    network.plug()


WAYS = {
    'killed': (vanish_by_kill, return_from_kill),
    'paused': (vanish_by_pause, return_from_pause),
    'cut off': (vanish_by_cut, return_from_cut),
}


def test_the_jobs_of_nodes_that_vanish_are_taken_over_and_late_results_are_refused(
        home, make_node):
    if not Network.permitted():
        pytest.skip('network namespaces are not permitted here')
    others = {}
    with Network() as network:
        for way in WAYS:
            place = ({'REDIS_HOST': network.address, 'REDIS_PORT': home.tcp_port,
                      'REDIS_SOCKET': "''"} if way == 'cut off'
                     else {'REDIS_SOCKET': home.setting('REDIS_SOCKET')})
            others[way] = make_node(REDIS_PASSWORD=home.setting('REDIS_PASSWORD'),
                                    _WORKER_MAX_CONCURRENCY=6, **place)
            others[way].allow('Redis', 'is lost: node', 'came too late')
        try:
            vanish_and_return(home, others, network)
        finally:
            for way, node in others.items():
                if way != 'cut off':
                    node.stop('executor')
            network.plug()
            others['cut off'].stop('executor')


def vanish_and_return(home, others, network):
    for way, node in others.items():
        if way == 'cut off':
            network.inside(node.install / 'bin/dff-service', 'start', 'executor')
        else:
            node.start('executor')
    wait_until(lambda: all(home.redis('EXISTS', f'dff:node:{name_of(node)}')
                           for node in others.values()), 10, 'all heartbeats')

    # Each node runs jobs that end while it is away, so that it has late results to tell.
    with Load(home, callers=24, seconds=0.5) as load:
        wait_until(lambda: all(started(node, home) > 0 for node in others.values()), 10,
                   'jobs on every node')
        vanished = time.monotonic()
        for way, node in others.items():
            WAYS[way][0](node, network)
        wait_until(lambda: all(started(node, home) == 0 for node in others.values()),
                   DEAD_S, 'the recovery of the started jobs')
        assert time.monotonic() - vanished < DEAD_S
        load.flows()

        # What still comes into their claimed lists, from connections that Redis holds, does
        # not stay there.
        time.sleep(30 if LONG else 1)
        for way, node in others.items():
            WAYS[way][1](node, network)
        wait_until(lambda: all(home.redis('EXISTS', f'dff:node:{name_of(node)}')
                               for node in others.values()), 30, 'all heartbeats again')
        load.flows()
        # The node that was cut off had sent its results into the dead connection: it cannot
        # tell a refusal of the second sending from a success of the first. What its callers
        # were told is checked below, as of all.
        wait_until(lambda: refused_late(others['paused'], home) > 0, 10,
                   'the refusal of late results of the paused node')
    settle(home)
    words = check(load)
    print(dict(words))
    assert words['lost'] >= 3 and set(words) == {'ok', 'lost'}, words


BETWEEN = {
    'the taker is killed': lambda home: home.kill('executor'),
    'all connections are cut': lambda home: home.redis('CLIENT', 'KILL', 'TYPE', 'normal'),
}


@pytest.mark.skipif(not LONG, reason='half a minute each: make faults')
@pytest.mark.parametrize('what', BETWEEN)
def test_between_the_cut_and_the_taking_over_anything_may_happen(home, make_node, what):
    """A node is paused; the one that takes over has cut it off from Redis, and is about to take
    its jobs when this happens. The paused node wakes up at that moment, too."""
    paused = make_node(REDIS_PASSWORD=home.setting('REDIS_PASSWORD'), _WORKER_MAX_CONCURRENCY=6,
                       REDIS_SOCKET=home.setting('REDIS_SOCKET'))
    for node in (home, paused):
        node.allow('Redis', 'is lost: node', 'came too late', 'was refused')
    proxy_path = home.install / 'run/redis/p.sock'
    with RedisProxy(proxy_path, home.setting('REDIS_SOCKET')) as proxy:
        original = home.config.read_text()
        home.set(REDIS_SOCKET=proxy_path)
        home.restart('executor')
        paused.start('executor')
        with Load(home, callers=16, seconds=0.5) as load:
            wait_until(lambda: started(paused, home) > 0, 10, 'jobs on the node')
            proxy.hold(f'dff:claimed:{name_of(paused)}')
            paused.kill('executor', signal.SIGSTOP)
            assert proxy.held.wait(DEAD_S), 'its jobs are not taken'
            BETWEEN[what](home)
            paused.kill('executor', signal.SIGCONT)
            proxy.release()
            if not home.pid('executor'):
                home.start('executor')
            load.after()
        home.stop('executor')       # before the proxy goes
        home.config.write_text(original)
        home.start('executor')
    settle(home)
    words = check(load)
    print(f'{what}: {dict(words)}')
    assert words['ok'] > 50 and set(words) <= {'ok', 'lost', 'refused', 'unknown'}, words
    paused.stop('executor')


@pytest.mark.skipif(not LONG, reason='as long as a node has to be gone: make faults')
def test_a_redis_that_lets_nobody_be_cut_off_is_told_of_once(make_node):
    node = make_node()
    node.start()
    original = node.config.read_text()
    node.redis('ACL', 'SETUSER', 'dff', 'reset', 'on', '>pw', '~dff:*', '&dff:*', '+@all',
               '-client')
    node.redis('SADD', 'dff:nodes', 'gone')
    node.set(REDIS_USER='dff', REDIS_PASSWORD='pw')
    node.allow('cannot be cut off')
    try:
        node.restart('executor')
        wait_until(lambda: 'node gone is dead' in node.log_text(), 30, 'a node that is gone')
        time.sleep(7)
        assert node.log_text().count('cannot be cut off') == 1
    finally:
        node.config.write_text(original)
        node.restart('executor')
