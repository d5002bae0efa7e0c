"""Ten thousand calls that wait at once on one nginx worker: each gets its own answer, time
limits fire on time, and a waiting call costs little memory.

Nobody executes anything here: the jobs stay in their queue, or a script of ours answers
them. Prints what it measured (pytest -s). By default with 2,000 calls; DFF_TEST_FULL=1
makes it 10,000.

When an answer has come is what the kernel says, not when this client gets to read it. How
late the machine itself is, Machine says: a process that does nothing but wake up.
"""

import json
import os
import re
import resource
import select
import socket
import statistics
import struct
import subprocess
import sys
import time

import pytest

from node import Node
from sanitized import SANITIZED
from wire import Redis

CALLS = 10000 if os.environ.get('DFF_TEST_FULL') else 2000
API_TIMEOUT_S = 5
SPREAD_S = 2.5             # over which the calls arrive; so do the time limits
KIB_PER_CALL = 12
LATE_S = 0.02              # of a time limit
# On a machine where who just wants to wake up has to wait, so has nginx.
QUIET_S = 0.002
LATE_BUSY_S = 2 if SANITIZED else 0.25
SO_TIMESTAMPNS = 35        # asm-generic/socket.h; Python has no name for it


@pytest.fixture(scope='module')
def lone(session_node, test_folder):
    """Redis and nginx with one worker."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = CALLS + 1000
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, max(hard, need)))
    except (ValueError, PermissionError) as error:
        pytest.skip(f'no {need} descriptors: {error}')
    node = Node(test_folder / 'waiting', session_node, {'LOG_LEVEL': 'WARNING'})
    try:
        path = node.install / 'nginx/nginx.conf'
        text = re.sub(r'worker_processes .*;', 'worker_processes 1;', path.read_text())
        text = re.sub(r'worker_connections .*;', f'worker_connections {need};', text)
        path.write_text(re.sub(r'worker_rlimit_nofile .*;', f'worker_rlimit_nofile {need};',
                               text))
        node.start('redis', 'nginx')
        redis = Redis(node)
        redis('SET', 'dff:route:al:auln-wait', json.dumps(
            {'v': 1, 'id': 'auln-wait', 'kind': 'al', 'funcId': 't__basic.same'}))
        redis.close()
        yield node
    finally:
        alarms = node.destroy()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, need)))
    assert not alarms, alarms


class Machine:
    """How late the machine wakes up a process that sleeps for 2 ms, while this is open."""

    SLEEPS = ('import sys, time\n'
              'late, end = [], time.monotonic() + float(sys.argv[1])\n'
              'while (begin := time.monotonic()) < end:\n'
              '    time.sleep(0.002)\n'
              '    late.append(time.monotonic() - begin - 0.002)\n'
              'late.sort()\n'
              'print(late[len(late) * 99 // 100])\n')

    def __init__(self, seconds):
        self.process = subprocess.Popen([sys.executable, '-c', self.SLEEPS, str(seconds)],
                                        stdout=subprocess.PIPE, text=True)

    def p99_s(self):
        return float(self.process.communicate(timeout=60)[0])


class Client:
    """Many connections with one call each; remembers when each was sent and answered."""

    def __init__(self, port, count, path):
        self.epoll = select.epoll()
        self.sent, self.answered, self.bytes = [0.0] * count, [0.0] * count, [b''] * count
        self.left = count
        self.sockets = []
        self.numbers = {}
        for number in range(count):
            one = socket.create_connection(('127.0.0.1', port))
            one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            one.setblocking(False)
            self.numbers[one.fileno()] = number
            self.epoll.register(one.fileno(), select.EPOLLIN)
            self.sockets.append(one)
        self.path = path

    def send(self, spread_s):
        """All calls, evenly over that time."""
        begin = time.monotonic()
        for number, one in enumerate(self.sockets):
            due = begin + spread_s * number / len(self.sockets)
            while (now := time.monotonic()) < due:
                self.read(min(due - now, 0.001))
            request = f'GET {self.path(number)} HTTP/1.1\r\nHost: x\r\n\r\n'.encode()
            self.sent[number] = time.time()
            one.send(request)

    def read(self, timeout_s):
        for descriptor, _ in self.epoll.poll(timeout_s):
            number = self.numbers[descriptor]
            data, notes, _, _ = self.sockets[number].recvmsg(65536, 64)
            if not self.bytes[number]:
                [(_, _, stamp)] = notes
                seconds, nanoseconds = struct.unpack('ll', stamp)
                self.answered[number] = seconds + nanoseconds / 1e9
                self.left -= 1
            self.bytes[number] += data
            if not data:
                self.epoll.unregister(descriptor)

    def read_all(self, limit_s):
        deadline = time.monotonic() + limit_s
        while self.left and time.monotonic() < deadline:
            self.read(0.05)
        self.read(0.05)
        assert not self.left, f'{self.left} calls were never answered'

    def late(self, limit_s):
        """How much later than limit_s after its call each answer was there, sorted."""
        return sorted(answered - sent - limit_s
                      for sent, answered in zip(self.sent, self.answered))

    def answers(self):
        for number, data in enumerate(self.bytes):
            head, _, body = data.partition(b'\r\n\r\n')
            yield number, int(head.split()[1]), body

    def close(self):
        for one in self.sockets:
            one.close()
        self.epoll.close()


def worker_pid(node):
    [pid] = [pid for pid in node.processes('nginx') if pid != node.pid('nginx')]
    return pid


def rss_kib(node):
    """Of the one worker: memory of its own, the shared cache not counted."""
    with open(f'/proc/{worker_pid(node)}/status') as status:
        return int(re.search(r'RssAnon:\s+(\d+) kB', status.read())[1])


def wait_for_jobs(redis, count):
    deadline = time.monotonic() + 20
    while int(redis('LLEN', 'dff:queue:1')[1:]) < count:
        assert time.monotonic() < deadline, redis('LLEN', 'dff:queue:1')
        time.sleep(0.01)


def cpu_s(node):
    """User and system time of the one worker."""
    with open(f'/proc/{worker_pid(node)}/stat') as stat:
        return sum(map(int, stat.read().rpartition(')')[2].split()[11:13])) / os.sysconf('SC_CLK_TCK')


def late_text(late):
    return ', '.join(f'{value * 1000:.1f} ms ({name})' for name, value in (
        ('median', statistics.median(late)), ('p99', late[len(late) * 99 // 100]),
        ('most', late[-1])))


def expire(node, spread_s):
    """CALLS calls that arrive within spread_s, and all run into their time limit. The
    client, what it has measured, and how many KiB a call has cost."""
    redis = Redis(node)
    assert node.get('/api/v1/al/auln-wait?options={"apiTimeout":1}').status == 599
    redis('DEL', 'dff:queue:1')
    before = rss_kib(node)
    client = Client(node.port, CALLS, lambda n: '/api/v1/al/auln-wait?options={%22apiTimeout%22:'
                                                f'{API_TIMEOUT_S}}}&kwargs={{%22value%22:{n}}}')
    try:
        client.send(spread_s)
        wait_for_jobs(redis, CALLS)
        kib = (rss_kib(node) - before) / CALLS
        spent = cpu_s(node)
        machine = Machine(API_TIMEOUT_S)
        client.read_all(API_TIMEOUT_S + 20)
        spent, machine_s = cpu_s(node) - spent, machine.p99_s()
    finally:
        client.close()
    redis('DEL', 'dff:queue:1')
    redis.close()
    stated = 0
    for _, status, body in client.answers():
        value = json.loads(body)
        assert status == 599 and value['error'] == 599.1
        stated += value['detail'].get('state') == 'queued'
    late = client.late(API_TIMEOUT_S)
    print(f'\n{CALLS} time limits within {spread_s} s are late by {late_text(late)}; '
          f'{stated} say that the task is queued; '
          f'{spent / CALLS * 1e6:.0f} us of nginx for each; {kib:.2f} KiB each while they wait; '
          f'the machine is late by {machine_s * 1000:.1f} ms (p99), load {os.getloadavg()[0]:.1f}')
    return late, machine_s, kib


def test_ten_thousand_time_limits_fire_on_time(lone):
    late, machine_s, kib = expire(lone, SPREAD_S)
    assert late[0] > -0.005
    limit_s = LATE_S if machine_s < QUIET_S and not SANITIZED else LATE_BUSY_S
    assert late[CALLS * 99 // 100] < limit_s, f'the machine is late by {machine_s * 1000:.1f} ms'
    assert SANITIZED or kib < KIB_PER_CALL


def test_time_limits_of_one_instant_are_late_only_by_the_work_for_their_answers(lone):
    late, machine_s, _ = expire(lone, 0)
    assert late[0] > -0.005
    # one process writes all of them
    assert SANITIZED or machine_s > QUIET_S or late[-1] < CALLS * 0.0002


def test_ten_thousand_waiting_calls_get_each_its_own_answer(lone):
    redis = Redis(lone)
    client = Client(lone.port, CALLS, lambda n: f'/api/v1/al/auln-wait?options={{%22apiTimeout%22'
                                                f':60}}&kwargs={{%22value%22:%22mark-{n}%22}}')
    client.send(SPREAD_S)
    wait_for_jobs(redis, CALLS)

    # the replies come in another order than the calls, in bursts
    redis.send('LRANGE', 'dff:queue:1', 0, -1)
    count = int(redis.read()[1:])
    jobs = [redis.read() for _ in range(count)]
    assert count == CALLS
    begin = time.monotonic()
    for first in range(0, count, 500):
        burst = jobs[first:first + 500]
        for job in burst:
            answer(redis, job)
        for job in burst:
            redis.read()
        client.read(0)
    client.read_all(30)
    took = time.monotonic() - begin

    for number, status, body in client.answers():
        assert (status, body) == (200, f'mark-{number}'.encode())
    client.close()
    redis('DEL', 'dff:queue:1')
    redis.close()
    print(f'\n{CALLS} waiting calls answered in {took:.2f} s')


def answer(redis, envelope):
    first, _, rest = envelope.partition('\n')
    head_len, kwargs_len, _ = map(int, first.split()[1:])
    head = json.loads(rest[:head_len])
    mark = json.loads(rest[head_len:head_len + kwargs_len])['value']
    reply = json.dumps({'id': head['id'], 'status': 'success', 'type': 'text', 'startedAt': 1,
                        'endedAt': 2}, separators=(',', ':'))
    redis.send('LPUSH', f'dff:reply:{head["producer"]}',
               f'DFR1 {len(reply)} 0 {len(mark)}\n{reply}{mark}')
