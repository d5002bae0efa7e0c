"""Mixed load for a while: sync, async, failing and timing-out calls, publishing meanwhile.
Memory stays flat, nothing is lost, and no error comes that is not meant.

DFF_SOAK_SECONDS: how long (`make soak`: 30 minutes).
"""

import contextlib
import os
import re
import threading
import time

from faults import Load, check, settle
from ledger import check_ledger
from node import process_depth, process_words, wait_until
from test_endurance import descriptors, memory_kib

SECONDS = int(os.environ.get('DFF_SOAK_SECONDS', '15'))
WARM_UP = 0.3                   # of the time
LOOKS = 10                      # at memory, in the rest of the time
# How much each may grow after the warm-up. Redis keeps results of batches for an hour and
# MariaDB its rows, so their growth is theirs by design: it is told only.
ALLOWED_KIB = {'master': 12288, 'zygote': 4096, 'api': 8192, 'nginx': 4096}
GROUPS, WORKERS = 4, 3           # workers of each
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
    """Processes that live as long as the node: (what it is, pid)."""
    found = [('master', node.pid('executor')), ('redis', node.pid('redis')),
             ('mariadb', node.mysql_of.pid('mysql'))]
    found += [('nginx', pid) for pid in node.processes('nginx') if pid != node.pid('nginx')]
    for pid in node.processes('executor'):
        if process_depth(pid, node.pid('executor')) == 1:
            found.append(('zygote' if b'--zygote' in process_words(pid) else 'api', pid))
    return found


def look(node):
    """KiB of each of them, and of the workers, which come and go, together."""
    found = {who: memory_kib(who[1]) for who in watched(node)}
    workers = []
    for pid in node.python_workers():
        with contextlib.suppress(OSError):      # it has just gone
            workers.append(memory_kib(pid))
    found['workers', len(workers)] = sum(workers)
    return found


def at_rest(node):
    """Descriptors of each, when the extra workers of the load are gone."""
    wait_until(lambda: len(node.python_workers()) == GROUPS * WORKERS, 30, 'the pool at rest')
    return {who: descriptors(who[1]) for who in watched(node)}


def test_mixed_load_keeps_memory_flat_and_the_ledger_balanced(make_node):
    node = make_node(_WORKER_CONCURRENCY=WORKERS, _WORKER_MAX_CONCURRENCY=8, LOG_LEVEL='ERROR')
    node.allow('ValueError', 'SoftTimeLimitExceeded')
    # so that nginx ends the connections of callers now and then, in the short form, too
    conf = node.install / 'nginx/nginx.conf'
    conf.write_text(re.sub(r'keepalive_requests .*;', 'keepalive_requests 500;', conf.read_text()))
    node.start()
    node.publish_fixtures()
    node.ctl('batch', 'add', 't__basic.ok', '--id', 'bat-soak')
    tasks = tasks_for(node)
    with Load(node):
        pass                    # so that every connection was used
    open_before = at_rest(node)
    with Load(node) as load:
        for task in tasks:
            task.start()
        time.sleep(SECONDS * WARM_UP)
        looks = [look(node)]
        for _ in range(LOOKS):
            time.sleep(SECONDS * (1 - WARM_UP) / LOOKS)
            looks.append(look(node))
            tell(looks[-1])
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
    print(f'calls: {dict(words)}', {task.act.__name__: task.count for task in tasks})

    open_after = at_rest(node)
    assert set(open_after) == set(open_before), 'a process was replaced'
    for who, count in open_before.items():
        grown = looks[-1][who] - looks[0][who]
        print(f'{who[0]} {who[1]}: {looks[0][who]} KiB, grown by {grown} KiB; {count} open, '
              f'then {open_after[who]}')
        if who[0] not in ALLOWED_KIB:
            continue
        if 'asan' not in os.environ.get('DFF_TEST_BUILD', ''):
            assert grown < ALLOWED_KIB[who[0]], f'{who[0]} grew by {grown} KiB'
        assert open_after[who] <= count + 2, f'{who[0]} has more open than before'


def tell(found):
    print(time.strftime('%H:%M:%S'), ' '.join(
        f'{name}:{kib}' if name != 'workers' else f'{number} workers:{kib}'
        for (name, number), kib in sorted(found.items())), flush=True)
