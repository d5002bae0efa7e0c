"""A socket in front of a server that can be cut, or go silent as behind a firewall that has
forgotten a connection: nothing is closed, and nothing comes through."""

import os
import selectors
import socket
import threading


class Cable:
    """with Cable(path, target) as cable: … cable.cut(); cable.forget()
    path, target: of unix sockets; or path None, target a port of 127.0.0.1, and so is
    cable.port."""

    def __init__(self, path, target):
        self.path, self.target = path, target
        self.ends = {}              # a socket -> the one on the other side
        self.silent = set()         # what is read from these is thrown away
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.stopped = False

    def __enter__(self):
        if self.path is None:
            self.listener = socket.create_server(('127.0.0.1', 0))
            self.port = self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.path))
            os.chmod(self.path, 0o777)
        self.listener.listen(256)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.thread.join(5)
        self.cut()
        self.selector.close()
        self.listener.close()
        if self.path is not None:
            os.unlink(self.path)

    def cut(self):
        """Every connection is closed on both sides."""
        with self.lock:
            for end in list(self.ends):
                self._close(end)

    def forget(self):
        """From now on nothing comes through the connections that exist; new ones work."""
        with self.lock:
            self.silent.update(self.ends)
            return len(self.ends) // 2

    def _close(self, end):
        other = self.ends.pop(end, None)
        for one in (end, other):
            if one is None:
                continue
            self.ends.pop(one, None)
            self.silent.discard(one)
            try:
                self.selector.unregister(one)
            except (KeyError, ValueError):
                pass
            one.close()

    def _accept(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_INET if self.path is None else socket.AF_UNIX)
        try:
            server.connect(('127.0.0.1', self.target) if self.path is None else str(self.target))
        except OSError:
            client.close()
            server.close()
            return
        for end, other in ((client, server), (server, client)):
            self.ends[end] = other
            self.selector.register(end, selectors.EVENT_READ)

    def _pass(self, end):
        if end not in self.ends:
            return
        try:
            content = end.recv(262144)
            if content and end not in self.silent:
                self.ends[end].sendall(content)
        except OSError:
            content = b''
        # The end of a silent one is not told to the other side, either.
        if not content and end in self.silent:
            self.selector.unregister(end)
        elif not content:
            self._close(end)

    def _run(self):
        while not self.stopped:
            for key, _ in self.selector.select(0.1):
                with self.lock:
                    if key.fileobj is self.listener:
                        self._accept()
                    else:
                        self._pass(key.fileobj)
