"""Plays the master: starts `dff-executor --zygote`, has workers forked, talks frames.

The byte layouts are those of executor/dff_frame.h and docs/protocol.md, written down
here a second time on purpose.
"""

import array
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get('DFF_TEST_BUILD', os.path.join(ROOT, 'build')))
EXECUTOR = os.path.join(BUILD, 'bin', 'dff-executor')


def is_sanitized():
    if not os.path.exists(EXECUTOR):
        return False
    with open(EXECUTOR, 'rb') as file:
        return b'__asan_init' in file.read()


HEAD = struct.Struct('=HHIQ')
(SCRIPT, NO_SCRIPT, DROP, JOB, EXIT, READY, NEED_SCRIPT, RESULT, SETTINGS, FORK, FORKED,
 CHILD_EXIT) = range(1, 13)
RECYCLE = 1
BLACK_BOX_SIZE = 4 + 4096 + 8192        # executor/dff_black_box.h
DEADLINE_S = 20


def text(value):
    data = value if isinstance(value, bytes) else value.encode('utf-8', 'surrogatepass')
    return struct.pack('=I', len(data)) + data


def envelope(func, kwargs='{}', request=b'', **head):
    kwargs = kwargs if isinstance(kwargs, str) else json.dumps(kwargs)
    head = {'id': 'task-1', 'func': func, 'queue': 1, 'origin': 'direct', 'timeout': 30,
            'queuedAt': int(time.time() * 1000), **head}
    parts = [json.dumps(head).encode(), kwargs.encode(), request]
    lengths = ' '.join(str(len(part)) for part in parts)
    return f'DFF1 {lengths}\n'.encode() + b''.join(parts)


class Reply:
    """A RESULT frame, taken apart."""

    def __init__(self, seq, payload):
        self.seq = seq
        flags, size = struct.unpack_from('=II', payload)
        reply, rest = payload[8:8 + size], payload[8 + size:]
        log_size, = struct.unpack_from('=I', rest)
        assert len(rest) == 4 + log_size
        self.recycle = bool(flags & RECYCLE)
        self.log = rest[4:].decode()
        line, sections = reply.split(b'\n', 1)
        magic, *sizes = line.split(b' ')
        assert magic == b'DFR1'
        head, control, body = map(int, sizes)
        assert len(sections) == head + control + body
        self.head = json.loads(sections[:head])
        self.control = json.loads(sections[head:head + control]) if control else None
        self.body = sections[head + control:]
        self.status = self.head['status']
        self.type = self.head['type']

    @property
    def value(self):
        assert self.status == 'success', self.body
        if self.type == 'json':
            return json.loads(self.body)
        return self.body.decode() if self.type == 'text' else self.body

    @property
    def error(self):
        assert self.status != 'success', self.body
        return json.loads(self.body)

    @property
    def etype(self):
        return self.error['etype']

    @property
    def einfo(self):
        return self.error['einfoTEXT']


class Peer:
    """Frames over a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.bytes = b''

    def send(self, kind, payload=b'', seq=0, fds=()):
        data = HEAD.pack(1, kind, len(payload), seq) + payload
        if fds:
            sent = self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                               array.array('i', fds))])
            data = data[sent:]
        self.sock.sendall(data)

    def receive(self, timeout=DEADLINE_S):
        """(kind, seq, payload), or None at the end of the stream."""
        deadline = time.monotonic() + timeout
        while True:
            if len(self.bytes) >= HEAD.size:
                version, kind, size, seq = HEAD.unpack_from(self.bytes)
                assert version == 1
                if len(self.bytes) >= HEAD.size + size:
                    payload = self.bytes[HEAD.size:HEAD.size + size]
                    self.bytes = self.bytes[HEAD.size + size:]
                    return kind, seq, payload
            if not select.select([self.sock], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError('no frame in time')
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionResetError:
                data = b''
            if not data:
                return None
            self.bytes += data

    def close(self):
        self.sock.close()


class Worker(Peer):
    def __init__(self, zygote, sock, pid):
        super().__init__(sock)
        self.zygote = zygote
        self.pid = pid
        self.seq = 0
        self.published = {}     # what NEED_SCRIPT is answered with
        self.asked = []
        kind, _, payload = self.receive()
        assert kind == READY and struct.unpack('=I', payload) == (pid,)

    def script(self, script_id, code, version=1):
        self.send(SCRIPT, struct.pack('=I', version) + text(script_id) + text(code))

    def start(self, func, kwargs='{}', **head):
        self.seq += 1
        self.send(JOB, envelope(func, kwargs, **head), seq=self.seq)

    def answer(self, script_id):
        self.asked.append(script_id)
        if script_id in self.published:
            version, code = self.published[script_id]
            self.script(script_id, code, version)
        else:
            self.send(NO_SCRIPT, text(script_id))

    def result(self, timeout=DEADLINE_S):
        """The reply of the running job; None when the worker has died."""
        while True:
            frame = self.receive(timeout)
            if frame is None:
                return None
            kind, seq, payload = frame
            if kind == NEED_SCRIPT:
                self.answer(payload[4:].decode())
                continue
            assert kind == RESULT and seq == self.seq
            return Reply(seq, payload)

    def call(self, func, kwargs='{}', **head):
        self.start(func, kwargs, **head)
        return self.result()

    def run(self, body, kwargs='{}', **head):
        """Publishes body as demo__it and calls its function f."""
        self.version = getattr(self, 'version', 0) + 1
        self.script('demo__it', body, self.version)
        return self.call('demo__it.f', kwargs, **head)

    def check(self, code, script_id='demo__it'):
        return self.call(script_id, {'code': code}, kind='check')

    def soft_limit(self, seq=None):
        """The master's SIGUSR1."""
        queue_signal(self.pid, signal.SIGUSR1, (self.seq if seq is None else seq) & 0x7fffffff)

    def exit_status(self):
        return self.zygote.child_exit(self.pid)


def queue_signal(pid, signum, value):
    import ctypes

    class Sigval(ctypes.Union):
        _fields_ = [('sival_int', ctypes.c_int), ('sival_ptr', ctypes.c_void_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sigqueue(pid, int(signum), Sigval(sival_int=value)) != 0:
        raise OSError(ctypes.get_errno(), 'sigqueue')


class Zygote(Peer):
    def __init__(self, **settings):
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self.resources = tempfile.mkdtemp(prefix='dff-worker-test-')
        os.chmod(self.resources, 0o755)
        self.exits = {}
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [EXECUTOR, '--zygote', str(theirs.fileno())], pass_fds=[theirs.fileno()],
            env={'PATH': '/usr/bin:/bin', 'LANG': 'C.UTF-8', 'TZ': 'Asia/Shanghai',
                 # A worker ends by _exit; what it holds then is no leak.
                 'ASAN_OPTIONS': 'detect_leaks=0:handle_segv=0:'
                                 + os.environ.get('ASAN_OPTIONS', '')},
            stderr=self.errors)
        theirs.close()
        self.settings = {
            'workerUser': 'nobody',
            'pythonPath': os.path.join(BUILD, 'python'),
            'resourceRoot': self.resources,
            'resourceRootShared': False,
            'custom': {'CUSTOM_NUMBER': 7, 'CUSTOM_LIST': [1, 2]},
            'threadPoolSize': 5,
            'chainMax': 5,
            'maxTasksPerChild': 0,
            'maxRssMB': 0,
            'timeoutRange': [1, 3600],
            'apiTimeoutRange': [1, 180],
            'queueAliases': {'cpu': 9},
            **settings,
        }
        self.tag = 0
        self.send(SETTINGS, text(json.dumps(self.settings)))

    def worker(self):
        ours, theirs = socket.socketpair()
        self.tag += 1
        box = os.memfd_create('box')
        os.ftruncate(box, BLACK_BOX_SIZE)
        self.send(FORK, struct.pack('=I', self.tag), fds=[theirs.fileno(), box])
        theirs.close()
        os.close(box)
        payload = self.expect(FORKED)
        assert payload is not None, self.stderr()
        tag, pid = struct.unpack_from('=II', payload)
        assert tag == self.tag and pid > 0, payload
        return Worker(self, ours, pid)

    def expect(self, wanted):
        while True:
            frame = self.receive()
            if frame is None:
                return None
            kind, _, payload = frame
            if kind == CHILD_EXIT:
                pid, status, rss = struct.unpack('=IIQ', payload)
                self.exits[pid] = (status, rss)
            if kind == wanted:
                return payload

    def child_exit(self, pid):
        """(wait status, peak RSS in KiB)"""
        while pid not in self.exits:
            assert self.expect(CHILD_EXIT) is not None
        return self.exits.pop(pid)

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors='replace')

    def end(self):
        self.sock.close()
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.resources, ignore_errors=True)
