"""`nginx -s reload` again and again under load: no call fails, nothing is left behind.

DFF_TEST_RELOADS=200 makes it longer.
"""

import asyncio
import itertools
import os
import signal
import time

from node import wait_until
from wire import Redis

RELOADS = int(os.environ.get('DFF_TEST_RELOADS', '20'))
CONNECTIONS = 32
PAUSE = 0.5


class Caller:
    """Calls one after the other over one connection or one for each call. A connection
    that nginx closes while it is idle is opened again, as every client does."""

    def __init__(self, port, keep, number):
        self.port, self.keep, self.number = port, keep, number
        self.done, self.reconnects, self.failures = 0, 0, []
        self.reader = self.writer = None

    async def run(self, stop):
        for n in itertools.count():
            if stop.is_set():
                break
            mark = f'{self.number}-{n}'
            long = n % 64 == 32     # waits across a reload
            path = '/api/v1/al/auln-nap?kwargs={"seconds":0.3}' if long else \
                f'/api/v1/al/auln-same/simplified?value={mark}'
            try:
                status, body = await asyncio.wait_for(self.call(path), 15)
            except (OSError, EOFError, asyncio.TimeoutError) as error:
                self.failures.append((mark, repr(error)))
                self.drop()
                continue
            if status != 200 or body != ('rested' if long else mark):
                self.failures.append((mark, status, body[:300]))
            self.done += 1
        self.drop()

    async def call(self, path):
        used = self.writer is not None
        try:
            return await self.exchange(path)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.drop()
            if not used or getattr(error, 'partial', b''):
                raise
        self.reconnects += 1
        return await self.exchange(path)

    async def exchange(self, path):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection('127.0.0.1', self.port)
        connection = 'keep-alive' if self.keep else 'close'
        self.writer.write(f'GET {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n'
                          .replace('"', '%22').encode())
        head = (await self.reader.readuntil(b'\r\n\r\n')).decode().lower()
        fields = dict(line.split(': ', 1) for line in head.split('\r\n')[1:] if line)
        body = await self.reader.readexactly(int(fields['content-length']))
        if fields.get('connection') == 'close' or not self.keep:
            self.drop()
        return int(head.split()[1]), body.decode()

    def drop(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def load(node, reload):
    stop = asyncio.Event()
    callers = [Caller(node.port, n % 2 == 0, n) for n in range(CONNECTIONS)]
    running = [asyncio.create_task(caller.run(stop)) for caller in callers]
    for _ in range(RELOADS):
        await asyncio.sleep(PAUSE)
        await asyncio.get_running_loop().run_in_executor(None, reload)
    await asyncio.sleep(PAUSE)
    stop.set()
    await asyncio.gather(*running)
    return callers


def redis_connections(node):
    redis = Redis(node)
    try:
        return len(redis('CLIENT', 'LIST').splitlines())
    finally:
        redis.close()


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def test_no_call_fails_and_nothing_is_left_by_reloads_under_load(node):
    master = node.pid('nginx')
    os.kill(master, signal.SIGHUP)      # the first one takes what only it takes
    time.sleep(1)
    before = (len(node.processes('nginx')), redis_connections(node), descriptors(master))

    def reload():
        old = set(node.processes('nginx')) - {master}
        os.kill(master, signal.SIGHUP)
        wait_until(lambda: set(node.processes('nginx')) - {master} - old, 10, 'new nginx workers')

    callers = asyncio.run(load(node, reload))

    failures = [failure for caller in callers for failure in caller.failures]
    assert not failures, f'{len(failures)} failed calls: {failures[:5]}\n{node.tail(100)}'
    assert all(caller.done > 0 for caller in callers)
    print(f'{sum(caller.done for caller in callers)} calls during {RELOADS} reloads, '
          f'{sum(caller.reconnects for caller in callers)} idle connections were closed')

    wait_until(lambda: len(node.processes('nginx')) == before[0], 15, 'the end of old workers')
    wait_until(lambda: redis_connections(node) == before[1], 5, 'the end of old connections')
    assert descriptors(master) == before[2]
    assert 'open socket' not in (node.install / 'nginx/error.log').read_text()
    assert node.get('/api/v1/al/auln-ok').text == 'ok'
