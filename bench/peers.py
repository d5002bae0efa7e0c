"""How each side of the benchmark is set up: DFF's node, and nginx -> uWSGI."""

import os
import pathlib
import signal
import subprocess

from node import Node, descendants, free_port, wait_until

HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = 5       # Python processes of each side

PEER_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp;
    proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp;
    scgi_temp_path {folder}/tmp;
    upstream app {{ server unix:{folder}/app.sock; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            include /etc/nginx/uwsgi_params;
            uwsgi_pass app;
        }}
    }}
}}
"""


class Uwsgi:
    """nginx -> uWSGI over a unix socket, preforked, without a queue."""

    name = 'nginx → uWSGI'
    paths = {'test_func': '/test_func', 'plus': '/plus'}

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / 'uwsgi'
        (self.folder / 'tmp').mkdir(parents=True)
        self.folder.chmod(0o755)
        self.port = free_port()
        self.children = []

    def start(self):
        conf = self.folder / 'nginx.conf'
        conf.write_text(PEER_NGINX.format(folder=self.folder, port=self.port))
        self._spawn(['uwsgi', '--plugins', 'python3', '--uwsgi-socket', self.folder / 'app.sock',
                     '--chmod-socket=666', '--master', '--processes', PROCESSES,
                     '--wsgi-file', HERE / 'uwsgi_app.py', '--disable-logging', '--need-app',
                     '--die-on-term', '--listen', '100'])
        wait_until((self.folder / 'app.sock').exists, 10, 'uWSGI')
        self._spawn(['nginx', '-c', conf, '-e', self.folder / 'error.log', '-p', self.folder])

    def _spawn(self, words):
        with open(self.folder / 'out.log', 'ab') as log:
            self.children.append(subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL))

    def pids(self):
        return [pid for child in self.children for pid in descendants(child.pid)]

    def stop(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            child.wait(10)


class Dff:
    """The node of the tests: nginx with the module, Redis, executor, Python workers."""

    name = 'DFF'
    paths = {'test_func': '/api/v1/al/auln-test', 'plus': '/api/v1/al/auln-plus'}

    def __init__(self, folder):
        self.node = Node(pathlib.Path(folder) / 'dff', settings={
            '_WORKER_CONCURRENCY': PROCESSES, 'LOG_LEVEL': 'WARNING'})
        self.port = self.node.port

    def start(self):
        conf = self.node.install / 'nginx/nginx.conf'
        conf.write_text('\n'.join(
            'worker_processes 1;' if line.startswith('worker_processes') else line
            for line in conf.read_text().splitlines()) + '\n')
        self.node.start()
        demo = HERE.parent / 'deploy/demo/demo__basic.py'
        self.node.ctl('script', 'publish', demo, '--id', 'demo__basic')
        for function, link in (('test_func', 'auln-test'), ('plus', 'auln-plus')):
            self.node.ctl('link', 'add', f'demo__basic.{function}', '--id', link, '--update')

    def pids(self):
        return [pid for part in ('nginx', 'redis', 'executor')
                for pid in self.node.processes(part)]

    def stop(self):
        alarms = self.node.destroy()
        assert not alarms, '\n'.join(alarms)


def cpu_seconds(pids):
    """User and system time of these processes so far."""
    ticks = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def memory_mib(pids):
    """Memory of these processes, shared pages divided by their users."""
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines()
                     if line.startswith('Pss:'))
    return total / 1024
