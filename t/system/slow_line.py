"""A port in front of a unix socket with little room for what is under way, that lets only so
many bytes a second through each connection: as a narrow network does."""

import contextlib
import socket
import threading
import time

STEP_S = 0.02


class SlowLine:
    """with SlowLine(target, rate) as line: … line.port; rate: bytes a second and connection,
    0: as fast as it goes. line.frozen = True: nothing comes through, nothing is closed."""

    def __init__(self, target, rate):
        self.target, self.rate = target, rate
        self.frozen = self.stopped = False
        self.threads = []

    def __enter__(self):
        self.listener = socket.socket()
        # Of the connections that it accepts, too: what is sent waits at the sender.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(256)
        self.listener.settimeout(0.1)
        self.port = self.listener.getsockname()[1]
        self._thread(self._accept)
        return self

    def __exit__(self, *_):
        self.stopped = True
        for thread in self.threads:
            thread.join(5)
        self.listener.close()

    def _thread(self, run, *args):
        thread = threading.Thread(target=run, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.stopped:
            with contextlib.suppress(TimeoutError):
                client = self.listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                try:
                    server.connect(self.target)
                except OSError:
                    client.close()
                    continue
                for ends in ((client, server), (server, client)):
                    self._thread(self._pass, *ends)

    def _pass(self, source, sink):
        source.settimeout(0.1)
        sink.settimeout(None)
        with contextlib.suppress(OSError):
            while not self.stopped:
                size = max(int(self.rate * STEP_S), 1) if self.rate else 262144
                try:
                    content = source.recv(size)
                except TimeoutError:
                    continue
                begin = time.monotonic()
                while self.frozen and not self.stopped:
                    time.sleep(0.05)
                if not content:
                    break
                sink.sendall(content)
                if self.rate:
                    pause = begin + len(content) / self.rate - time.monotonic()
                    time.sleep(max(pause, 0))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
