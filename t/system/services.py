"""A client of the services socket, as a Python worker is one (docs/protocol.md)."""

import json
import os
import pwd
import socket
import struct

import pytest

# A call of a function, whole: of the one that test_services.py publishes.
CALL = {'funcId': 'demo__services.names', 'kwargs': {'a': 1}, 'origin': 'authLink',
        'originId': 'auln-x', 'rootTaskId': 'task-root', 'queue': 3, 'traceId': 'TRACE-1',
        'chain': ['demo__other.f', 'demo__other.g']}


class Failed(Exception):
    """An answer that is an error: its class and message."""

    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer['message']}")
        self.error, self.message = answer['error'], answer['message']


class Services:
    """One connection, made as `user`."""

    def __init__(self, node, user='dff-worker', group=None, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        entry = pwd.getpwnam(user)
        # The kernel tells the other side whom connect() was called by.
        os.setegid(entry.pw_gid if group is None else group)
        os.seteuid(entry.pw_uid)
        try:
            self.socket.connect(str(node.install / 'run/services.sock'))
        finally:
            os.seteuid(0)
            os.setegid(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, op, **arguments):
        self.send_text(json.dumps({'op': op, **arguments}).encode())

    def send_text(self, text):
        self.socket.sendall(struct.pack('>I', len(text)) + text)

    def receive_text(self):
        return self._read(struct.unpack('>I', self._read(4))[0])

    def receive(self):
        answer = json.loads(self.receive_text())
        if answer['ok'] is True:
            assert set(answer) == {'ok', 'result'}
            return answer['result']
        assert set(answer) == {'ok', 'error', 'message'}
        raise Failed(answer)

    def __call__(self, op, **arguments):
        self.send(op, **arguments)
        return self.receive()

    def is_closed(self):
        """Waits for the end of the connection; what comes before it is an error."""
        return self.socket.recv(1) == b''

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise ConnectionError('the end of the connection')
            data += piece
        return bytes(data)


def fails(ask, error, op, **arguments):
    with pytest.raises(Failed) as caught:
        ask(op, **arguments)
    assert caught.value.error == error, caught.value.message
    return caught.value.message
