"""A node whose Redis goes away for its nginx alone, and comes back."""

import collections
import contextlib
import os
import re
from concurrent.futures import ThreadPoolExecutor

from detour import detour_nginx
from fake_redis import FakeRedis
from node import Node

SECOND = 1.6        # "within a second", on a loaded machine
BACK = 3.0          # "by itself, soon"

LINES = re.compile(r'dff: Redis link "(\w+)" is (down|back)')


class Away:
    """A node whose nginx reaches its Redis through a FakeRedis; the executor does not."""

    def __init__(self, node, fake):
        self.node = node
        self.fake = fake
        self.log = node.install / 'nginx/error.log'

    def workers(self):
        return sorted(pid for pid in self.node.processes('nginx')
                      if pid != self.node.pid('nginx'))

    def descriptors(self):
        return {pid: len(os.listdir(f'/proc/{pid}/fd')) for pid in self.workers()}

    def resident_kb(self):
        return sum(int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{pid}/status').read())[1])
                   for pid in self.workers())

    def metric(self, sample):
        text = self.node.get('/metrics').text
        found = re.search(rf'^{re.escape(sample)} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else None

    def outages(self, begin=0):
        """What the log says of links since a position in it: {(link, 'down'): lines, …}"""
        return collections.Counter(LINES.findall(self.log.read_text()[begin:]))

    def ping(self):
        return self.node.get('/api/v1/do/ping')

    def is_well(self):
        return (self.ping().status == 200
                and all(self.metric(f'dff_redis_up{{link="{link}"}}') == 1
                        for link in ('commands', 'replies', 'changes'))
                and self.node.call('auln-ok').status == 200)

    def calls(self, count, link='auln-ok', **kwargs):
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: self.node.call(link, **kwargs), range(count)))


def check_answer(answer, states=('refused', 'unknown')):
    """The real result, or 503.53 with its state, in time."""
    assert answer.seconds < SECOND, answer
    if answer.status == 200:
        assert answer.text == 'ok'
        return
    assert answer.status == 503 and answer.json['error'] == 503.53, answer
    detail = answer.json['detail']
    assert detail['state'] in states and detail['message'], answer
    if detail['state'] == 'unknown':
        assert detail['id'].startswith('task-'), answer


@contextlib.contextmanager
def away_node(folder, mysql_of):
    """An Away that runs; the node is gone afterwards, and its log was in order."""
    node = Node(folder, mysql_of)
    try:
        node.start('redis')
        node.ctl('db', 'migrate')
        path = node.install / 'run/redis/fake.sock'
        with FakeRedis(path, node.setting('REDIS_SOCKET')) as fake:
            detour_nginx(node, REDIS_SOCKET=path)
            node.start('executor', 'nginx')
            node.publish_fixtures()
            yield Away(node, fake)
            node.stop('nginx')
    finally:
        # the executor says that its Redis was killed
        node.allow(' ERROR ')
        alarms = node.destroy()
    assert not alarms, '\n'.join(alarms)
