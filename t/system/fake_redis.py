"""A Redis that misbehaves on demand: stands between a client and a real Redis, passes
commands and replies on, and does to them what its `faults` say.

    with FakeRedis(path, upstream) as redis:
        redis.set(errors={'LPUSH': 'OOM command not allowed'})
        …
        redis.heal()
"""

import collections
import dataclasses
import os
import socket
import threading
import time

# What a real one says when it takes no command, or not this one.
ALL_BUT_LOG_IN = {name: 'LOADING Redis is loading the dataset in memory'
                  for name in ('LPUSH', 'LPUSHX', 'BRPOP', 'GET', 'SET', 'EVAL', 'PUBLISH',
                               'LREM', 'EVALSHA', 'INCR', 'EXISTS')}
READ_ONLY = "READONLY You can't write against a read only replica."
MISCONF = 'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to'
WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind'
OOM = "OOM command not allowed when used memory > 'maxmemory'."


@dataclasses.dataclass
class Faults:
    """Nothing of it set: a plain proxy. Names of commands are in upper case; '*' means all."""
    refuse: bool = False            # nobody listens
    silent: bool = False            # connections are accepted, nothing is ever answered
    garbage: bytes = b''            # the answer to every command
    answers: dict = dataclasses.field(default_factory=dict)     # command -> bytes
    errors: dict = dataclasses.field(default_factory=dict)      # command -> error text
    drop_before: set = dataclasses.field(default_factory=set)   # not passed on, connection cut
    drop_after: set = dataclasses.field(default_factory=set)    # carried out, reply dropped, cut
    lose: set = dataclasses.field(default_factory=set)  # BRPOP: the same when it has a value;
                                                        # message: a published reply is dropped, cut
    twice: set = dataclasses.field(default_factory=set)         # replies are sent two times
    byte_seconds: float = 0         # replies go out one byte each so often
    delay: dict = dataclasses.field(default_factory=dict)       # command -> s before its reply

    def named(self, names, name):
        return name in names or '*' in names


class FakeRedis:
    def __init__(self, path, upstream):
        self.path = str(path)
        self.upstream = str(upstream)
        self.faults = Faults()
        self.pushed = []            # the job of every push that came
        self.counts = collections.Counter()
        self.lost = 0               # replies that `lose` has taken
        self.links = set()
        self.lock = threading.Lock()
        self.listener = None
        self.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- what tests say -----------------------------------------------------------------

    def set(self, cut=False, **faults):
        """From now on; cut: connections that exist are cut first."""
        self.faults = Faults(**faults)
        if self.faults.refuse:
            self.unlisten()
        if cut or self.faults.refuse:
            self.cut()

    def heal(self):
        """Behaves again, for new connections: no real server goes on with an old one."""
        self.faults = Faults()
        self.cut()
        if self.listener is None:
            self.listen()

    def reset(self):
        """Heals what is still set."""
        if self.listener is None or self.faults != Faults():
            self.heal()

    def cut(self):
        with self.lock:
            links = list(self.links)
        for link in links:
            link.cut()

    def close(self):
        self.unlisten()
        self.cut()

    # --- connections -----------------------------------------------------------------------

    def listen(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o777)
        self.listener.listen(512)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def unlisten(self):
        listener, self.listener = self.listener, None
        if listener:
            # close() alone does not wake up accept()
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            os.unlink(self.path)

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            Link(self, client).start()


class Link:
    """One connection of a client, and ours to the real Redis for it."""

    def __init__(self, fake, client):
        self.fake = fake
        self.client = client
        self.server = socket.socket(socket.AF_UNIX)
        self.lock = threading.Lock()
        # (command, our own reply or None, what to send in the place of Redis's or None), oldest first
        self.due = collections.deque()
        self.subscribed = False
        self.queues = False                 # between MULTI and EXEC
        self.aborted = False                # a command between them was refused

    def start(self):
        with self.fake.lock:
            self.fake.links.add(self)
        try:
            self.server.connect(self.fake.upstream)
        except OSError:
            self.cut()
            return
        for loop in (self.commands, self.replies):
            threading.Thread(target=self.run, args=(loop,), daemon=True).start()

    def run(self, loop):
        try:
            loop()
        except (OSError, EOFError, ValueError):
            pass
        self.cut()

    def cut(self):
        with self.fake.lock:
            self.fake.links.discard(self)
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def commands(self):
        stream = self.client.makefile('rb')
        while True:
            raw, words = read_frame(stream)
            name = words[0].decode().upper()
            faults = self.fake.faults
            self.fake.counts[name] += 1
            if name == 'LPUSH' and words[1].startswith(b'dff:queue:'):
                self.fake.pushed.append(words[2])
            if faults.silent:
                continue
            if faults.named(faults.drop_before, name):
                raise EOFError
            error = faults.errors.get(name, faults.errors.get('*'))
            answer = faults.garbage or faults.answers.get(name)
            if answer or error:
                with self.lock:
                    self.due.append((name, answer or b'-%s\r\n' % error.encode(), None))
                    self.settle()
                self.aborted = self.queues
                continue
            instead = None
            if name == 'EXEC' and self.aborted:     # as Redis does: all or nothing
                instead = b'-EXECABORT Transaction discarded because of previous errors.\r\n'
                raw = b'*1\r\n$7\r\nDISCARD\r\n'
            if name in ('MULTI', 'EXEC'):
                self.queues, self.aborted = name == 'MULTI', False
            with self.lock:
                if name == 'SUBSCRIBE':
                    self.subscribed = True
                else:
                    self.due.append((name, None, instead))
            self.server.sendall(raw)

    def replies(self):
        stream = self.server.makefile('rb')
        while True:
            raw, value = read_frame(stream)
            with self.lock:
                if self.subscribed and not self.due:
                    if ('message' in self.fake.faults.lose and value[0] == b'message'
                            and value[1].startswith(b'dff:reply:')):
                        self.lose()
                    self.send('SUBSCRIBE', raw)
                    continue
                name, _, instead = self.due.popleft()
                faults = self.fake.faults
                if faults.named(faults.drop_after, name):
                    raise EOFError
                if name in faults.lose and value:
                    self.lose()
                self.send(name, instead or raw)
                self.settle()

    def lose(self):
        self.fake.lost += 1
        raise EOFError

    def settle(self):
        """Sends our own replies that are next in line."""
        while self.due and self.due[0][1] is not None:
            self.send(*self.due.popleft()[:2])

    def send(self, name, raw):
        faults = self.fake.faults
        if faults.silent:
            return
        delay = faults.delay.get(name, faults.delay.get('*', 0))
        if delay:
            time.sleep(delay)
        if faults.named(faults.twice, name):
            raw += raw
        if not faults.byte_seconds:
            self.client.sendall(raw)
            return
        for byte in raw:
            time.sleep(faults.byte_seconds)
            self.client.sendall(bytes([byte]))


def read_frame(stream):
    """One value of RESP2: its bytes, and what it means."""
    line = stream.readline()
    if not line.endswith(b'\r\n'):
        raise EOFError
    kind, rest = line[:1], line[1:-2]
    if kind in b'+-':
        return line, rest
    if kind == b':':
        return line, int(rest)
    if kind == b'$':
        size = int(rest)
        if size < 0:
            return line, None
        body = stream.read(size + 2)
        if len(body) != size + 2:
            raise EOFError
        return line + body, body[:-2]
    if kind == b'*':
        raw, values = line, []
        if int(rest) < 0:
            return raw, None
        for _ in range(int(rest)):
            part, value = read_frame(stream)
            raw += part
            values.append(value)
        return raw, values
    raise ValueError(f'not RESP: {line!r}')
