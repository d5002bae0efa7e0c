"""The sides that DFF is compared with: each is an nginx in front of what a user would
run instead. A side is started once, and asked for its address, its processes, its paths."""

import os
import pathlib
import signal
import subprocess
import sys

from node import descendants, free_port, wait_until

HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = 5       # Python processes of each side

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_max_body_size 10m;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp;
    proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp;
    scgi_temp_path {folder}/tmp;
    upstream app {{ server unix:{folder}/app.sock; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            {pass_on}
        }}
    }}
}}
"""


class Peer:
    """Programs below a folder, with an nginx in front of `app.sock`."""

    name = ''
    pass_on = 'proxy_pass http://app;'
    has_queue = False

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / type(self).__name__.lower()
        (self.folder / 'tmp').mkdir(parents=True)
        self.folder.chmod(0o755)
        self.port = free_port()
        self.children = []

    def url(self, function):
        return f'http://127.0.0.1:{self.port}/{function}'

    def start(self):
        self.start_app()
        wait_until((self.folder / 'app.sock').exists, 20, self.name)
        conf = self.folder / 'nginx.conf'
        conf.write_text(NGINX.format(folder=self.folder, port=self.port, pass_on=self.pass_on))
        self.spawn('nginx', '-c', conf, '-e', self.folder / 'error.log', '-p', self.folder)

    def start_app(self):
        raise NotImplementedError

    def as_delivered(self):
        """Nothing but processes is held back while rates are compared."""

    def spawn(self, *words, **environment):
        with open(self.folder / 'out.log', 'ab') as log:
            child = subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log, cwd=HERE,
                stdin=subprocess.DEVNULL, env={**os.environ, **environment})
        self.children.append(child)
        return child

    def pids(self):
        return [pid for child in self.children for pid in descendants(child.pid)]

    def end(self, child):
        self.children.remove(child)
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def stop(self):
        for child in reversed(list(self.children)):
            self.end(child)


class Uwsgi(Peer):
    """uWSGI over its own protocol, preforked, without a queue."""

    name = 'nginx → uWSGI'
    pass_on = 'include /etc/nginx/uwsgi_params; uwsgi_pass app;'

    def start_app(self):
        self.spawn('uwsgi', '--plugins', 'python3', '--uwsgi-socket', self.folder / 'app.sock',
                   '--chmod-socket=666', '--master', '--processes', PROCESSES,
                   '--wsgi-file', HERE / 'wsgi_app.py', '--pythonpath', HERE, '--disable-logging',
                   '--need-app', '--die-on-term', '--listen', '128', '--buffer-size', '32768')


class Gunicorn(Peer):
    """gunicorn with its default workers, without a queue."""

    name = 'nginx → gunicorn'

    def start_app(self):
        self.spawn('gunicorn', '--workers', PROCESSES, '--bind', f'unix:{self.folder}/app.sock',
                   '--umask', '0', '--log-level', 'warning', 'wsgi_app:application')


class Celery(Peer):
    """Flask in gunicorn's threads, Celery's preforked workers, Redis as broker and store."""

    name = 'Flask + Celery + Redis'
    has_queue = True

    def start_app(self):
        self.redis = self.folder / 'redis.sock'
        self.spawn('redis-server', '--port', 0, '--unixsocket', self.redis, '--save', '',
                   '--dir', self.folder)
        wait_until(self.redis.exists, 10, 'Redis')
        self.workers = self.start_workers()
        self.spawn('gunicorn', '--workers', PROCESSES, '--threads', 16, '--bind',
                   f'unix:{self.folder}/app.sock', '--umask', '0', '--log-level', 'warning',
                   'celery_app:app', BENCH_REDIS=str(self.redis))

    # --- its queue, for async.py

    def start_workers(self):
        return self.spawn(sys.executable, '-m', 'celery', '-A', 'celery_app:celery', 'worker',
                          '--concurrency', PROCESSES, '--without-gossip', '--without-mingle',
                          '--loglevel', 'WARNING', BENCH_REDIS=str(self.redis))

    def hold(self):
        self.end(self.workers)

    def go_on(self):
        self.workers = self.start_workers()

    def async_request(self):
        return 'GET', self.url('test_func') + '?async=1', None

    def waiting(self):
        """Jobs that are not done, those that a worker has taken ahead included."""
        done = subprocess.run(['redis-cli', '-s', str(self.redis)], capture_output=True, text=True,
                              input='LLEN celery\nHLEN unacked\n', check=True).stdout.split()
        return sum(map(int, done))
