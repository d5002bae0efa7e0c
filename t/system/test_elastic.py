"""Elastic groups: slow calls do not block fast ones, on this node or on another."""

import json
import statistics
import threading
import time

import pytest

from node import wait_until

SLOW = 20


@pytest.fixture
def usual_node(make_node):
    """As many workers as the defaults say."""
    node = make_node(_WORKER_CONCURRENCY=5, _WORKER_MAX_CONCURRENCY=0)
    node.start()
    node.publish_fixtures()
    return node


def group_of(node, queues='1-6'):
    text = node.redis('GET', f'dff:node:{node.setting("_NODE_NAME")}')
    return next(one for one in json.loads(text)['groups'] if one['queues'] == queues)


def counter(node, name):
    text = node.redis('GET', f'dff:node:{node.setting("_NODE_NAME")}')
    return json.loads(text)['counters'][name]


class SlowCalls:
    """Calls that run while the block does."""

    def __init__(self, node, count, seconds):
        self.node, self.seconds, self.answers = node, seconds, []
        self.threads = [threading.Thread(target=self.call) for _ in range(count)]

    def call(self):
        self.answers.append(self.node.call('auln-nap', seconds=self.seconds))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        for thread in self.threads:
            thread.join()
        assert all(answer.status == 200 for answer in self.answers), self.answers


def running(node):
    return node.redis('HLEN', f'dff:started:{node.setting("_NODE_NAME")}')


def test_with_twenty_slow_calls_running_a_fast_one_is_fast(usual_node):
    node = usual_node
    assert node.call('auln-ok').text == 'ok'
    with SlowCalls(node, SLOW, 5):
        wait_until(lambda: running(node) == SLOW, 4, 'the start of all slow calls')
        times = sorted(node.call('auln-ok').seconds for _ in range(41))
        assert running(node) == SLOW, 'the slow calls did not run all the time'
    assert statistics.median(times) < 0.020, times

    # Seen by operators, and gone when they are not needed.
    wait_until(lambda: group_of(node)['workers'] > SLOW, 5, 'the extra workers in the heartbeat')
    assert group_of(node)['base'] == 5 and group_of(node)['max'] == 25
    assert '(5 to 25)' in node.ctl('status').stdout
    name = node.setting('_NODE_NAME')
    assert counter(node, 'workers_added') > SLOW - 5
    metrics = node.get('/metrics').text
    assert f'dff_workers{{node="{name}",group="1-6",state="idle"}} ' in metrics
    assert f'dff_workers_added_total{{node="{name}"}} {counter(node, "workers_added")}\n' in metrics
    wait_until(lambda: group_of(node)['workers'] == 5, 20, 'the end of the extra workers')
    wait_until(lambda: counter(node, 'workers_retired') == counter(node, 'workers_added'), 5,
               'the count of retired workers')
    assert counter(node, 'worker_restarts') == 0


def test_the_number_of_workers_stays_below_its_maximum(make_node):
    node = make_node(_WORKER_MAX_CONCURRENCY=3)
    node.start()
    node.publish_fixtures()
    with SlowCalls(node, 9, 1):
        wait_until(lambda: running(node) == 3, 4, 'three running calls')
        time.sleep(0.3)
        assert running(node) == 3 and group_of(node)['max'] == 3
    assert node.call('auln-ok').text == 'ok'


def test_without_memory_there_are_no_extra_workers_and_the_log_says_why(make_node):
    node = make_node(_WORKER_MAX_CONCURRENCY=0, _WORKER_MAX_MEMORY=1)
    node.start()
    node.publish_fixtures()
    with SlowCalls(node, 6, 1):
        wait_until(lambda: '_WORKER_MAX_MEMORY' in node.log_text(), 4, 'the line in the log')
        assert running(node) == 2
    assert node.log_text().count('_WORKER_MAX_MEMORY') <= 2


def test_jobs_behind_slow_ones_go_to_a_node_with_idle_workers(make_node):
    full = make_node()
    full.start()
    full.publish_fixtures()
    idle = make_node(REDIS_SOCKET=full.setting('REDIS_SOCKET'),
                     REDIS_PASSWORD=full.setting('REDIS_PASSWORD'))
    with SlowCalls(full, 2, 8):
        wait_until(lambda: running(full) == 2, 4, 'the slow calls')
        with SlowCalls(full, 6, 0.1) as quick:
            claimed = f'dff:claimed:{full.setting("_NODE_NAME")}'
            wait_until(lambda: full.redis('LLEN', claimed) == 6, 4, 'the claimed jobs')
            idle.start('executor')
        assert running(full) == 2 and max(answer.seconds for answer in quick.answers) < 6
        wait_until(lambda: counter(full, 'given_back') >= 6, 5, 'the count of given back jobs')
    idle.stop('executor')
