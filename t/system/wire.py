"""Redis over its own protocol, for tests that are fast or listen; the others have
node.redis."""

import socket


class Redis:
    """One connection that speaks the protocol itself: fast, and able to listen."""

    def __init__(self, node):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(node.setting('REDIS_SOCKET'))
        self.file = self.socket.makefile('rb')
        self('AUTH', node.setting('REDIS_PASSWORD'))
        self('SELECT', node.setting('REDIS_DATABASE') or '5')

    def send(self, *words):
        words = [str(word).encode() for word in words]
        self.socket.sendall(b'*%d\r\n' % len(words)
                            + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))

    def read(self):
        """A status, an integer or an error as its line; a bulk text as its content."""
        line = self.file.readline().rstrip()
        assert not line.startswith(b'-'), line
        if line.startswith(b'$') and line != b'$-1':
            return self.file.read(int(line[1:]) + 2)[:-2].decode()
        return line.decode()

    def __call__(self, *words):
        self.send(*words)
        return self.read()

    def close(self):
        self.file.close()
        self.socket.close()
