"""Plays the services of a node: answers requests of workers over a unix socket, as
docs/protocol.md says, with a Python function for each op."""

import json
import os
import socket
import struct
import threading


class FakeServices:
    """answers: op -> function(request) -> result; what it raises is the answer's error.
    A function may return bytes, which are sent as they are, or None to close."""

    CLOSE = object()

    def __init__(self, path, answers):
        self.path = path
        self.answers = answers
        self.requests = []
        self.connections = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _receive(connection, size):
        data = b''
        while len(data) < size:
            piece = connection.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def _serve(self, connection):
        try:
            while True:
                size, = struct.unpack('>I', self._receive(connection, 4))
                request = json.loads(self._receive(connection, size))
                self.requests.append(request)
                try:
                    result = self.answers[request['op']](request)
                    answer = {'ok': True, 'result': result}
                except Exception as error:
                    result = None
                    answer = {'ok': False, 'error': type(error).__name__, 'message': str(error)}
                if result is self.CLOSE:
                    break
                data = result if isinstance(result, bytes) else json.dumps(answer).encode()
                connection.sendall(struct.pack('>I', len(data)) + data)
        except (EOFError, OSError):
            pass
        connection.close()

    def disconnect(self):
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.disconnect()
        os.unlink(self.path)
