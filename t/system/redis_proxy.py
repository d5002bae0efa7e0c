"""A unix socket in front of a node's Redis, for tests that need a command to come late."""

import contextlib
import os
import select
import socket
import threading


class RedisProxy:
    """Passes bytes on. hold(text): what a client sends with these bytes in it waits until
    release()."""

    def __init__(self, path, target):
        self.path, self.target = str(path), target
        self.text = None
        self.held = threading.Event()
        self.go_on = threading.Event()
        self.stopped = threading.Event()
        self.threads = []

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        self._thread(self._accept)
        return self

    def __exit__(self, *exception):
        self.go_on.set()
        self.stopped.set()
        for thread in self.threads:
            thread.join(5)
        self.listener.close()
        os.unlink(self.path)

    def hold(self, text):
        self.text = text.encode()

    def release(self):
        self.text = None
        self.go_on.set()

    def _thread(self, run, *args):
        thread = threading.Thread(target=run, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.stopped.is_set():
            if select.select([self.listener], [], [], 0.1)[0]:
                self._thread(self._pass, self.listener.accept()[0])

    def _pass(self, client):
        # One side may go while the other one still speaks: then both are closed.
        with (contextlib.suppress(ConnectionError), client,
              socket.socket(socket.AF_UNIX) as server):
            server.connect(self.target)
            while not self.stopped.is_set():
                for ready in select.select([client, server], [], [], 0.1)[0]:
                    content = ready.recv(65536)
                    if not content:
                        return
                    if ready is client and self.text and self.text in content:
                        self.held.set()
                        self.go_on.wait(20)
                    (server if ready is client else client).sendall(content)
