"""The connection of a worker to the services of its node, which do what needs a
credential that workers do not have: STORE, CACHE, ENV, SRC, FUNC.

Frames of a big-endian length of 4 bytes and JSON, both ways (docs/protocol.md). Made at
the first request of the worker and kept across calls: it holds no state of a call. No
thread is started; the waits are system calls that the time limit interrupts.
"""

import builtins
import json
import os
import select
import socket
import struct
import threading
import time

from . import exceptions

TIMEOUT_S = 15           # for one answer; what a service does takes milliseconds
CONNECT_FOR_S = 3        # while the services restart
CONNECT_PAUSE_S = 0.05
SENDS = 3
MAX_ANSWER = 128 << 20

# What a service may name as the exception of its answer.
ERRORS = {each.__name__: each for each in exceptions.ALL}
ERRORS.update((name, getattr(builtins, name)) for name in (
    'ConnectionError', 'IndexError', 'KeyError', 'OSError', 'OverflowError', 'RuntimeError',
    'TimeoutError', 'TypeError', 'ValueError'))

# As they were before a script could replace them.
_fstat, _getpid, _monotonic, _sleep, _socket = (os.fstat, os.getpid, time.monotonic, time.sleep,
                                                socket.socket)
_dumps, _loads = json.dumps, json.loads
_UNIX, _STREAM = socket.AF_UNIX, socket.SOCK_STREAM
_poll, _POLLIN = select.poll, select.POLLIN
_LENGTH = struct.Struct('>I')


class _Unreachable(Exception):
    """There is no connection, so nothing has been asked."""


class Services:
    """Any thread may ask: one request at a time is on the way."""

    __slots__ = ('_path', '_socket', '_identity', '_lock', '_pid')

    def __init__(self, path):
        self._path = path
        self._forget()
        self._pid = _getpid()
        self._lock = threading.Lock()

    def __call__(self, op, **arguments):
        """The result of a request; raises what the service names."""
        if self._pid != _getpid():
            # A fork, of the zygote or of a script: what it inherited is its parent's.
            self._drop()
            self._pid = _getpid()
            self._lock = threading.Lock()
        request = _request(op, arguments)
        with self._lock:
            answer = self._exchange(op, request)
        if answer.get('ok') is True:
            return answer.get('result')
        error, message = str(answer.get('error')), str(answer.get('message'))
        kind = ERRORS.get(error)
        if kind is None:
            kind, message = exceptions.DataFluxFuncBaseException, f'{error}: {message}'
        raise kind(message)

    # --- the connection ---------------------------------------------------------------

    def _forget(self):
        self._socket = self._identity = None

    def _drop(self):
        """Closes the connection, unless the descriptor is not ours any more: a script may
        have closed it, and another file may have got its number."""
        connection, identity = self._socket, self._identity
        self._forget()
        if connection is None:
            return
        if _identity_of(connection) == identity:
            connection.close()
        else:
            connection.detach()

    def _is_alive(self):
        if self._socket is None or _identity_of(self._socket) != self._identity:
            return False
        # Nothing has been asked, so whatever there is to read is the end.
        poll = _poll()
        poll.register(self._socket, _POLLIN)
        return not poll.poll(0)

    def _connect(self):
        if self._path is None:
            raise exceptions.NotSupportException('this executor has no services for scripts')
        deadline = _monotonic() + CONNECT_FOR_S
        while True:
            connection = _socket(_UNIX, _STREAM)
            try:
                connection.settimeout(CONNECT_FOR_S)
                connection.connect(self._path)
                connection.settimeout(TIMEOUT_S)
            except OSError as error:
                connection.close()
                if _monotonic() >= deadline:
                    raise _Unreachable(str(error)) from None
                _sleep(CONNECT_PAUSE_S)
            except BaseException:       # the time limit
                connection.close()
                raise
            else:
                self._socket, self._identity = connection, _identity_of(connection)
                return

    # --- a request ---------------------------------------------------------------------

    def _send(self, request):
        for attempt in range(SENDS):
            if not self._is_alive():
                self._drop()
                self._connect()
            try:
                self._socket.sendall(request)
                return
            except BrokenPipeError:
                # A service that ends takes no more: this was not whole, and not done.
                self._drop()
                if attempt == SENDS - 1:
                    raise

    def _exchange(self, op, request):
        try:
            self._send(request)
            size, = _LENGTH.unpack(self._receive(_LENGTH.size))
            if size > MAX_ANSWER:
                raise ConnectionError(f'an answer of {size} bytes')
            answer = _loads(self._receive(size))
            if not isinstance(answer, dict):
                raise ConnectionError('an answer that is no JSON object')
            return answer
        except TimeoutError:
            self._drop()
            raise TimeoutError(f'{op}: no answer of the services in {TIMEOUT_S} s') from None
        except _Unreachable as error:
            raise ConnectionError(f'{op}: the services of this node cannot be reached: {error}') \
                from None
        except (OSError, ValueError) as error:
            # Not sent again: it may have been done.
            self._drop()
            raise ConnectionError(f'{op}: the services went away, and whether they have done it'
                                  f' is unknown: {error}') from None
        except BaseException:
            # The time limit: the answer will come, and must not be taken for the next one's.
            self._drop()
            raise

    def _receive(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise ConnectionError('the end of the connection')
            data += piece
        return bytes(data)


def _identity_of(connection):
    try:
        status = _fstat(connection.fileno())
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _request(op, arguments):
    try:
        data = _dumps({'op': op, **arguments}, ensure_ascii=False, allow_nan=False,
                      separators=(',', ':')).encode()
    except UnicodeEncodeError:
        raise ValueError(f'{op}: a text has a lone surrogate, which is not UTF-8') from None
    except (TypeError, ValueError, RecursionError) as error:
        raise type(error)(f'{op}: the value has no JSON: {error}') from None
    return _LENGTH.pack(len(data)) + data
