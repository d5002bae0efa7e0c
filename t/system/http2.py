"""A client of HTTP/2 over a plain connection (RFC 9113), as far as tests need one: it says when
which frame goes out, and what it takes."""

import collections
import json
import socket
import struct
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW_SIZE = 4
CANCEL = 0x8

STATUS = {0x88: 200, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}     # as HPACK has them


class Stream:
    def __init__(self):
        self.status, self.body, self.ended, self.reset = None, b'', False, None


class Http2:
    """window: bytes of a body that the server may send before more() is called."""

    def __init__(self, port, window=1 << 24):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=10)
        self.streams = collections.defaultdict(Stream)
        self.last = -1
        self.buffer = b''
        self.gone_away = False
        self.closed = False
        self.out = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
        self.frame(SETTINGS, 0, 0, struct.pack('>HI', INITIAL_WINDOW_SIZE, window))
        self.frame(WINDOW_UPDATE, 0, 0, struct.pack('>I', 1 << 30))
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # --- what goes out: with the next flush() ------------------------------------------------

    def frame(self, kind, flags, stream, payload=b''):
        self.out += struct.pack('>I', len(payload))[1:] + bytes([kind, flags])
        self.out += struct.pack('>I', stream) + payload

    def flush(self):
        out, self.out = self.out, b''
        self.socket.sendall(out)

    def head(self, method, path, *fields, end=True):
        """The head of a request; its stream."""
        self.last += 2
        names = ((':method', method), (':scheme', 'http'), (':path', path), (':authority', 'x'))
        self.frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), self.last,
                   b''.join(b'\0' + text(name) + text(value) for name, value in (*names, *fields)))
        return self.last

    def data(self, stream, content, end=True):
        self.frame(DATA, END_STREAM if end else 0, stream, content)

    def call(self, link, **kwargs):
        stream = self.head('POST', f'/api/v1/al/{link}', ('content-type', 'application/json'),
                           end=False)
        self.data(stream, json.dumps({'kwargs': kwargs}).encode())
        return stream

    def reset(self, stream):
        self.frame(RST_STREAM, 0, stream, struct.pack('>I', CANCEL))

    def more(self, stream, size):
        self.frame(WINDOW_UPDATE, 0, stream, struct.pack('>I', size))

    # --- what comes -----------------------------------------------------------------------------

    def wait(self, *streams, seconds=10):
        """Until the answers to all of these are complete, or broken. Returns the first."""
        deadline = time.monotonic() + seconds
        while not all(self.streams[one].ended or self.streams[one].reset is not None
                      for one in streams):
            assert time.monotonic() < deadline, f'no end of {streams} in {seconds} s'
            assert not self.closed, f'closed before the end of {streams}'
            self.take(deadline - time.monotonic())
        return self.streams[streams[0]]

    def take(self, seconds=0.1):
        """What comes next, at most so late."""
        self.socket.settimeout(max(seconds, 0.01))
        try:
            more = self.socket.recv(1 << 20)
        except TimeoutError:
            return
        except ConnectionResetError:
            more = b''
        self.closed = not more
        self.buffer += more
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], 'big')
            if len(self.buffer) < 9 + size:
                break
            kind, flags = self.buffer[3:5]
            self.came(kind, flags, int.from_bytes(self.buffer[5:9], 'big') & 0x7fffffff,
                      self.buffer[9:9 + size])
            self.buffer = self.buffer[9 + size:]

    def came(self, kind, flags, number, payload):
        if kind == GOAWAY:
            self.gone_away = True
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self.frame(kind, ACK, 0, payload if kind == PING else b'')
            self.flush()
        elif kind == RST_STREAM:
            self.streams[number].reset = int.from_bytes(payload, 'big')
        elif kind in (HEADERS, DATA):
            stream = self.streams[number]
            if kind == HEADERS:
                stream.status = status(payload)
            else:
                stream.body += payload
            stream.ended = bool(flags & END_STREAM)


def text(value):
    """Of less than 127 bytes, as HPACK has it: without Huffman's code."""
    raw = value.encode()
    assert len(raw) < 127
    return bytes([len(raw)]) + raw


def status(block):
    """nginx begins with it, behind a size of its table."""
    if block[0] & 0xe0 == 0x20:
        block = block[1:]
    return STATUS.get(block[0]) or int(block[2:5])
