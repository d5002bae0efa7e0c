"""A node whose way to Redis can be moved to another server: a replica that was promoted."""

import contextlib
import re
import subprocess

from cable import Cable
from node import Node, Redis, free_port, wait_until


class Server(Redis):
    """A redis-server that listens on a port as well, for its replica."""

    def __init__(self, node, path, port):
        super().__init__(node)
        self.socket, self.port = str(path), port

    def field(self, name):
        """Of INFO."""
        return re.search(rf'(?m)^{name}:(.*?)\r?$', self._run('INFO'))[1]

    def replicate(self, other):
        """Has what the other has from now on."""
        self('REPLICAOF', '127.0.0.1', other.port)
        wait_until(lambda: self.field('master_link_status') == 'up', 20, 'the replica')
        offset = int(other.field('master_repl_offset'))
        wait_until(lambda: int(self.field('master_repl_offset')) >= offset, 10, 'its data')

    def kill_clients(self, name):
        """The connections whose names begin so; "": of nginx, which gives none."""
        found = [client['id'] for client in self.clients()
                 if client['name'].startswith(name) and (name or not client['name'])
                 and client['flags'] != 'S']
        for number in found:
            self('CLIENT', 'KILL', 'ID', number, check=False)
        return found


class Failover:
    """current: the server that the address leads to; other: its replica."""

    def __init__(self, node, cable, current, other):
        self.node, self.cable, self.current, self.other = node, cable, current, other

    def promote(self):
        """What the current one is told from now on does not reach the other one."""
        self.other('REPLICAOF', 'NO', 'ONE')

    def move(self, cut=True):
        """The address leads to the other one, and all connections have ended, or go on."""
        self.current, self.other = self.other, self.current
        self.cable.target = self.current.socket
        if cut:
            self.cable.cut()

    def demote(self):
        """The one that the address led to before is the replica now."""
        self.other.replicate(self.current)


def start_server(node, folder, port, *options, address='127.0.0.1'):
    """Beside the node's own, with its password; server.process is the caller's to end."""
    folder.mkdir()
    server = Server(node, folder / 'r.sock', port)
    server.process = subprocess.Popen(
        ['redis-server', '--dir', str(folder), '--save', '', '--bind', address,
         '--port', str(port), '--unixsocket', server.socket, '--unixsocketperm', '777',
         '--requirepass', server.password, '--masterauth', server.password,
         '--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', *options],
        stdout=subprocess.DEVNULL)
    wait_until(lambda: (folder / 'r.sock').exists(), 10, 'one more Redis')
    return server


@contextlib.contextmanager
def failover_node(folder, mysql_of):
    """A Failover of a running node, all of whose parts have the same way to Redis."""
    node = Node(folder, mysql_of, {'_WORKER_CONCURRENCY': 3, '_WORKER_MAX_CONCURRENCY': 6,
                                   'LOG_LEVEL': 'WARNING'})
    port = free_port()
    conf = node.install / 'redis/redis.conf'
    lines = [line for line in conf.read_text().splitlines()
             if line.split(' ')[0] not in ('port', 'bind')]
    conf.write_text('\n'.join(lines + [
        f'port {port}', 'bind 127.0.0.1', f'masterauth {node.setting("REDIS_PASSWORD")}',
        'repl-diskless-sync yes', 'repl-diskless-sync-delay 0']) + '\n')
    original = node.config.read_text()
    try:
        node.start('redis')
        node.ctl('db', 'migrate')
        first = Server(node, node.setting('REDIS_SOCKET'), port)
        second = start_server(node, node.install / 'run/second', free_port(), '--replicaof',
                              '127.0.0.1', str(first.port))
        try:
            with Cable(node.install / 'run/redis/c.sock', first.socket) as cable:
                node.set(REDIS_SOCKET=cable.path)
                node.start('executor', 'nginx')
                node.publish_fixtures()
                yield Failover(node, cable, first, second)
                node.stop('executor', 'nginx')
        finally:
            second.process.kill()
            second.process.wait(5)
    finally:
        node.config.write_text(original)
        node.destroy()
