"""Mixed load for a while: sync, async, failing and timing-out calls, publishing meanwhile.
Memory stays flat, nothing is lost, and no error comes that is not meant.

DFF_SOAK_SECONDS: how long (`make soak`: 30 minutes).
"""

import os
import threading
import time

from faults import Load, check, settle
from ledger import check_ledger
from node import wait_until
from test_endurance import descriptors, memory_kib

SECONDS = int(os.environ.get('DFF_SOAK_SECONDS', '15'))
WARM_UP = 0.3                   # of the time
ALLOWED_KIB = {'master': 12288, 'nginx': 4096}      # after the warm-up
SCRIPT = """@DFF.API('Tell the version')
def version():
    return {number}
"""


class Task(threading.Thread):
    """Does one thing again and again; its first failure is kept."""

    def __init__(self, act, pause):
        super().__init__(daemon=True)
        self.act, self.pause = act, pause
        self.ending, self.count, self.failure = threading.Event(), 0, None

    def run(self):
        try:
            while not self.ending.wait(self.pause):
                self.act(self.count)
                self.count += 1
        except Exception as error:      # whatever it is, the test tells it
            self.failure = f'{self.act.__name__}: {error!r}'


def tasks_for(node):
    path = node.install / 'version.py'

    def fail(_):
        assert node.call('auln-boom').json['error'] == 599.3

    def time_out(_):
        answer = node.call('auln-oversleep', {'timeout': 1})
        assert answer.json['error'] in (599.31, 599.1), answer

    def batch(_):
        answer = node.get('/api/v1/bat/bat-soak')
        assert answer.status == 200 and answer.json['taskId'].startswith('task-'), answer

    def publish(count):
        path.write_text(SCRIPT.format(number=count))
        node.ctl('script', 'publish', path, '--id', 't__version')
        if count == 0:
            node.ctl('link', 'add', 't__version.version', '--id', 'auln-version', '--update')
        wait_until(lambda: node.call('auln-version').text == str(count), 5, 'the new version')

    return [Task(fail, 0.05), Task(time_out, 0.2), Task(batch, 0.02), Task(publish, 1)]


def watched(node):
    found = {('master', node.pid('executor'))}
    return found | {('nginx', pid) for pid in node.processes('nginx')
                    if pid != node.pid('nginx')}


def test_mixed_load_keeps_memory_flat_and_the_ledger_balanced(make_node):
    node = make_node(_WORKER_CONCURRENCY=3, _WORKER_MAX_CONCURRENCY=8, LOG_LEVEL='ERROR')
    node.allow('ValueError', 'SoftTimeLimitExceeded')
    node.start()
    node.publish_fixtures()
    node.ctl('batch', 'add', 't__basic.ok', '--id', 'bat-soak')
    tasks = tasks_for(node)
    with Load(node) as load:
        for task in tasks:
            task.start()
        time.sleep(SECONDS * WARM_UP)
        before = {who: (memory_kib(who[1]), descriptors(who[1])) for who in watched(node)}
        time.sleep(SECONDS * (1 - WARM_UP))
        for task in tasks:
            task.ending.set()
        for task in tasks:
            task.join(60)
        load.flows()
    assert not [task.failure for task in tasks if task.failure]
    assert all(task.count > 0 for task in tasks), [task.count for task in tasks]
    settle(node, 120)
    words = check(load)
    assert set(words) == {'ok'}, words
    ledger = check_ledger(node, lost=0, bad=0, expired=0, withdrawn=0)
    print(f'{SECONDS} s: {ledger}')

    assert watched(node) == set(before), 'a process was replaced'
    for (name, pid), (kib, count) in before.items():
        grown = memory_kib(pid) - kib
        print(f'{name} {pid}: {kib} KiB, grown by {grown} KiB')
        if 'asan' not in os.environ.get('DFF_TEST_BUILD', ''):
            assert grown < ALLOWED_KIB[name], f'{name} grew by {grown} KiB from {kib}'
        wait_until(lambda pid=pid, count=count: descriptors(pid) <= count + 2, 5,
                   f'the closing of descriptors of {name}')
