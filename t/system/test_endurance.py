"""100,000 calls: every one answered, memory flat, nothing left open."""

import os
import pathlib
import socket
import threading

from node import wait_until
from sanitized import SANITIZED

WARM_UP = 50_000
CALLS = 100_000
CONNECTIONS = 16
# What may come on top after the warm-up. The master keeps the replies of the last 10 s
# (16 MiB at most), so its memory follows the rate of calls a little.
ALLOWED_KIB = {'master': 8192, 'nginx worker': 2048}


class Caller(threading.Thread):
    """Makes calls on one kept-alive connection, over a plain socket for speed."""

    def __init__(self, port, count):
        super().__init__()
        self.port, self.count, self.wrong = port, count, []

    def run(self):
        request = (b'POST /api/v1/al/auln-plus HTTP/1.1\r\nHost: test\r\n'
                   b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s')
        with socket.create_connection(('127.0.0.1', self.port), timeout=30) as link:
            stream = link.makefile('rb')
            for number in range(self.count):
                body = b'{"kwargs":{"x":%d,"y":1}}' % number
                link.sendall(request % (len(body), body))
                status = stream.readline()
                size = 0
                while (line := stream.readline().strip()):
                    name, _, value = line.partition(b':')
                    if name.lower() == b'content-length':
                        size = int(value)
                answer = stream.read(size)
                if b' 200 ' not in status or answer != b'%d' % (number + 1):
                    self.wrong.append((number, status, answer))
                    if len(self.wrong) > 10:
                        return


def call_many(port, count):
    callers = [Caller(port, count // CONNECTIONS) for _ in range(CONNECTIONS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not [wrong for caller in callers for wrong in caller.wrong]
    assert all(not caller.is_alive() for caller in callers)


def memory_kib(pid):
    """What only this process has: the shared pages of its parent do not count."""
    text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith(('Private_Clean:', 'Private_Dirty:')))


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def test_100_000_calls_are_answered_with_flat_memory(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    # one nginx worker, as many calls for each process as can be
    conf = node.install / 'nginx/nginx.conf'
    conf.write_text('\n'.join(
        'worker_processes 1;' if line.startswith('worker_processes') else line
        for line in conf.read_text().splitlines()) + '\n')
    node.set(LOG_LEVEL='WARNING')
    node.restart('executor', 'nginx')

    call_many(node.port, WARM_UP)
    watched = {'master': node.pid('executor')}
    watched['nginx worker'] = next(pid for pid in node.processes('nginx')
                                   if pid != node.pid('nginx'))
    before = {name: (memory_kib(pid), descriptors(pid)) for name, pid in watched.items()}

    call_many(node.port, CALLS)

    for name, pid in watched.items():
        grown = memory_kib(pid) - before[name][0]
        # AddressSanitizer keeps freed memory in quarantine: its own leak check counts there
        if not SANITIZED:
            assert grown < ALLOWED_KIB[name], f'{name} grew by {grown} KiB over {CALLS} calls'
        wait_until(lambda pid=pid, name=name: descriptors(pid) <= before[name][1] + 2, 5,
                   f'the closing of descriptors of {name}')

    assert node.redis('LLEN', 'dff:queue:1') == 0
    assert node.redis('KEYS', 'dff:result:*') == []      # answered in time: nothing stored
    assert node.redis('HLEN', f'dff:started:{node.setting("_NODE_NAME")}') == 0
