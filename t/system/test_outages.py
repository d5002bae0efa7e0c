"""Parts that go away and come back: what callers see meanwhile."""

import http.client
import signal
import threading
import time

from faults import marks_folder, read_marks, settle
from ledger import check_ledger
from node import Node, wait_until


class Load(threading.Thread):
    """Calls one after the other, each on a connection of its own, until stopped."""

    def __init__(self, node, link='auln-plus', **kwargs):
        super().__init__()
        self.node, self.link, self.kwargs = node, link, kwargs or {'x': 1, 'y': 2}
        self.ending, self.answered, self.failed = threading.Event(), 0, []

    def run(self):
        while not self.ending.is_set():
            try:
                answer = self.node.call(self.link, **self.kwargs)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                continue
            if answer.status == 200:
                self.answered += 1
            else:
                self.failed.append(repr(answer))


def under_load(node, disturb, count=4, **kwargs):
    """Runs disturb() while calls are made; returns how many calls were answered."""
    loads = [Load(node, **kwargs) for _ in range(count)]
    for load in loads:
        load.start()
    try:
        wait_until(lambda: all(load.answered for load in loads), 10, 'the first answers')
        disturb()
        seen = [load.answered for load in loads]
        wait_until(lambda: all(load.answered > before for load, before in zip(loads, seen)),
                   15, 'answers after the disturbance')
    finally:
        for load in loads:
            load.ending.set()
        for load in loads:
            load.join()
    failed = [text for load in loads for text in load.failed]
    assert not failed, failed[:5]
    settle(node)
    return sum(load.answered for load in loads)


def test_reloads_of_nginx_under_load_fail_no_call(fresh_node):
    fresh_node.publish_fixtures()

    def reload():
        for _ in range(5):
            fresh_node.reload('nginx')
            time.sleep(0.3)

    assert under_load(fresh_node, reload) > 100


def test_a_restart_of_the_executor_under_load_fails_no_call(fresh_node):
    fresh_node.publish_fixtures()
    assert under_load(fresh_node, lambda: fresh_node.restart('executor')) > 20
    assert under_load(fresh_node, lambda: fresh_node.restart('executor'), link='auln-nap',
                      seconds=0.2) > 10


class Caller(threading.Thread):
    """One call of the function that leaves marks."""

    def __init__(self, node, path, mark, seconds):
        super().__init__()
        self.node, self.answer = node, None
        self.kwargs = {'path': str(path), 'mark': mark, 'seconds': seconds}

    def run(self):
        self.answer = self.node.call('auln-mark', **self.kwargs)


def test_a_restart_of_the_executor_waits_for_functions_and_starts_none_twice(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    path = marks_folder(node) / 'restart'
    # longer than what is left to workers when the master ends without waiting for them
    running = [Caller(node, path, f'running{number}', 7) for number in range(2)]
    queued = [Caller(node, path, f'queued{number}', 0) for number in range(6)]
    for caller in running:
        caller.start()
    wait_until(lambda: len(read_marks(path)[0]) == 2, 5, 'both functions to run')
    for caller in queued:
        caller.start()
    wait_until(lambda: node.redis('LLEN', f"dff:claimed:{node.setting('_NODE_NAME')}") == 6, 5,
               'six claimed jobs')

    pid = node.pid('executor')
    node.kill('executor', signal.SIGTERM)
    wait_until(lambda: node.pid('executor') is None, 20, 'end of the executor')
    node.start('executor')
    assert node.pid('executor') != pid
    for caller in running + queued:
        caller.join()
        assert caller.answer.status == 200, caller.answer
        assert caller.answer.text == caller.kwargs['mark'], caller.answer
    begun, ended = read_marks(path)
    assert begun == ended == {caller.kwargs['mark']: 1 for caller in running + queued}
    settle(node)


def test_without_redis_a_call_is_503_within_a_second_and_all_heals_by_itself(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    assert node.call('auln-ok').text == 'ok'
    node.allow('Redis', 'redis')

    node.stop('redis')
    for link in ('auln-ok', 'auln-never-seen'):
        answer = node.call(link)
        assert answer.status == 503 and answer.json['error'] == 503.53, answer
        assert answer.seconds < 1

    node.start('redis')
    wait_until(lambda: node.call('auln-ok').status == 200, 10, 'an answer after the restart')
    settle(node)


def test_without_mysql_calls_go_on_and_management_says_why(test_folder):
    node = Node(test_folder / 'own-mysql')
    try:
        node.start()
        node.publish_fixtures()
        node.stop('mysql')
        assert node.call('auln-ok').text == 'ok'
        done = node.ctl('link', 'list', check=False)
        assert done.returncode == 1 and 'MySQL' in done.stderr
        node.restart('executor', 'nginx')
        assert node.call('auln-plus', x=1, y=2).json == 3
        settle(node)

        node.start('mysql')
        assert 'auln-ok' in node.ctl('link', 'list').stdout
    finally:
        alarms = node.destroy()
    assert not alarms, alarms


def test_a_full_queue_is_599_50_at_once_and_the_waiting_calls_are_answered(make_node):
    node = make_node(_WORKER_QUEUE_LIMIT=3, _WORKER_CONCURRENCY=1, _WORKER_PREFETCH_MULTIPLIER=1)
    node.start()
    node.publish_fixtures()
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(node.call('auln-nap', seconds=1)))
               for _ in range(10)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) == 10 and 0 < len(refused) < 10
    for answer in refused:
        assert answer.json['error'] == 599.5, answer
        assert answer.json['detail']['limit'] == 3
        assert answer.seconds < 0.5
    check_ledger(node, withdrawn=len(refused))
