"""DFF as a side of the benchmark: the node of the tests, which deploy/setup has made."""

import pathlib
import re
import subprocess

from batches import add_batch
from node import Node
from peers import HERE, PROCESSES

QUEUE_LIMIT = 1_000_000


class Dff:
    name = 'DFF'
    has_queue = True

    def __init__(self, folder):
        self.node = Node(pathlib.Path(folder) / 'dff', settings={
            '_WORKER_CONCURRENCY': PROCESSES, 'LOG_LEVEL': 'WARNING',
            '_WORKER_QUEUE_LIMIT': QUEUE_LIMIT})
        self.port = self.node.port

    def url(self, function):
        return self.node.url('/api/v1/al/auln-' + function.replace('_', '-'))

    def start(self):
        conf = self.node.install / 'nginx/nginx.conf'
        conf.write_text(re.sub(r'worker_processes.*', 'worker_processes 1;', conf.read_text()))
        self.node.start()
        text = (HERE / 'functions.py').read_text()
        script = self.node.install / 'bench.py'
        script.write_text(re.sub(r'^(?=def )', "@DFF.API('Benchmark')\n", text, flags=re.M))
        self.node.publish(script, 'bench__functions', re.findall(r'^def (\w+)', text, re.M))
        add_batch(self.node, 'bat-bench', 'bench__functions.test_func')

    def as_delivered(self):
        """With the extra workers of an elastic group, which are off while rates are compared."""
        self.node.set(_WORKER_MAX_CONCURRENCY=0)
        self.node.restart('executor')

    def pids(self):
        return [pid for part in ('nginx', 'redis', 'executor')
                for pid in self.node.processes(part)]

    def stop(self):
        alarms = self.node.destroy()
        assert not alarms, '\n'.join(alarms)

    # --- its queue, for async.py and held.py

    def hold(self):
        # without an api process 100,000 jobs leave more records than are kept
        self.node.allow('the oldest are lost')
        self.node.stop('executor')

    def go_on(self):
        self.node.start('executor')

    def async_request(self):
        return 'POST', self.node.url('/api/v1/bat/bat-bench'), '{"kwargs":{}}'

    def waiting(self):
        keys = [f'dff:queue:{number}' for number in range(10)]
        keys.append(f"dff:claimed:{self.node.setting('_NODE_NAME')}")
        lines = ''.join(f'LLEN {key}\n' for key in keys)
        lines += f"HLEN dff:started:{self.node.setting('_NODE_NAME')}\n"
        return sum(map(int, self.redis_cli(lines).split()))

    def redis_cli(self, lines, *words):
        redis = self.node.redis
        return subprocess.run(
            ['redis-cli', '-s', redis.socket, '-n', redis.database, *words], input=lines,
            env={'REDISCLI_AUTH': redis.password, 'PATH': '/usr/bin:/bin'}, text=True,
            capture_output=True, check=True).stdout
