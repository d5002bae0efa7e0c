"""The services when MySQL, Redis or an api process goes away, also under load."""

import os
import signal
import threading
import time

from node import process_alive, wait_until
from services import CALL, Failed, Services, fails
from test_api_process import api_pids, wait_ready


def test_without_mysql_or_redis_there_is_an_error_soon(make_node):
    node = make_node()
    node.start()
    node.allow('connection "', 'Redis ')
    socket = node.setting('REDIS_SOCKET')
    node.set(MYSQL_SOCKET='/nonexistent/mysql.sock')
    node.reload('executor')
    wait_until(lambda: (node.install / 'run/services.sock').exists(), 5, 'the socket')
    time.sleep(0.5)
    with Services(node) as ask:
        for _ in range(5):
            begin = time.monotonic()
            message = fails(ask, 'ConnectionError', 'store.get', key='k', scope='s')
            assert time.monotonic() - begin < 1 and '/nonexistent/mysql.sock' in message
            assert ask('cache.set', key='k', scope='s', value=1) is True
    node.set(MYSQL_SOCKET=node.mysql_of.setting('MYSQL_SOCKET'))
    node.reload('executor')

    wait_until(lambda: ask_again(node, 'store.get', key='k', scope='s') is None, 10, 'MySQL')
    with Services(node) as ask:
        ask('cache.set', key='k', scope='s', value=1)
        node.stop('redis')
        begin = time.monotonic()
        assert socket in fails(ask, 'ConnectionError', 'cache.get', key='k', scope='s')
        assert socket in fails(ask, 'ConnectionError', 'func.start', **CALL)
        assert ask('store.set', key='k', scope='s', value=2) is True
        assert time.monotonic() - begin < 3
        node.start('redis')
        wait_until(lambda: ask_again(node, 'cache.get', key='k', scope='s') == 1, 10, 'Redis')


def ask_again(node, op, **arguments):
    """On a connection of its own; None when it fails."""
    try:
        with Services(node) as services:
            return services(op, **arguments)
    except (Failed, OSError):
        return 'failed'


class Load(threading.Thread):
    """Sets one key to longer and longer lists; knows what may be stored."""

    def __init__(self, node, number):
        super().__init__()
        self.services, self.node, self.number = None, node, number
        self.over = False
        self.acknowledged = self.sent = 0
        self.unknown = self.resent = 0

    def run(self):
        while not self.over:
            try:
                if self.services is None:
                    self.services = Services_as_root(self.node)
                self.sent += 1
                try:
                    self.services.send('store.set', key=f'load {self.number}', scope='s',
                                       value=[self.sent] * 500)
                except BrokenPipeError:
                    self.resent += 1      # it was not taken
                    self.services = None
                    continue
                assert self.services.receive() is True
                self.acknowledged = self.sent
            except (ConnectionError, FileNotFoundError):
                self.unknown += 1
                self.services = None


def Services_as_root(node):
    """Effective ids are the process's, not the thread's: no change of user here."""
    import socket
    services = Services.__new__(Services)
    services.socket = socket.socket(socket.AF_UNIX)
    services.socket.settimeout(20)
    services.socket.connect(str(node.install / 'run/services.sock'))
    return services


def under_load(node, disturb):
    loads = [Load(node, number) for number in range(4)]
    for load in loads:
        load.start()
    try:
        disturb(loads)
    finally:
        for load in loads:
            load.over = True
        for load in loads:
            load.join(30)
    with Services(node) as ask:
        for load in loads:
            value = ask('store.get', key=f'load {load.number}', scope='s')
            assert len(value) == 500 and len(set(value)) == 1, 'half-written'
            assert load.acknowledged <= value[0] <= load.sent
    return loads


def progressed(loads):
    """Until each has done more."""
    marks = [load.acknowledged for load in loads]
    wait_until(lambda: all(load.acknowledged > mark + 3 for load, mark in zip(loads, marks)), 20,
               'progress of the clients')


def test_killed_processes_under_load_leave_nothing_half_written(node):
    node.allow('was killed by signal 9')

    def disturb(loads):
        for _ in range(4):
            progressed(loads)
            for pid in api_pids(node):
                os.kill(pid, signal.SIGKILL)
        progressed(loads)
    under_load(node, disturb)
    wait_ready(node)
    node.forget_records_writer()


def test_a_reload_under_load_leaves_no_outcome_unknown(node):
    def disturb(loads):
        for _ in range(3):
            progressed(loads)
            before = api_pids(node)
            node.reload('executor')
            wait_until(lambda: not any(process_alive(pid) for pid in before), 20, 'the old ones')
        progressed(loads)
    loads = under_load(node, disturb)
    assert sum(load.unknown for load in loads) == 0
    assert sum(load.resent for load in loads) > 0
    wait_ready(node)
