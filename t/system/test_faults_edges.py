"""Cuts at the edges of the job path, under load: between callers and nginx, between nginx and
the api processes, between these and MySQL. (Those to Redis are in test_faults_links.)"""

import contextlib
import http.client
import re
import threading
import time

import pytest

from api import administrator
from batches import batch_to, call_batch
from cable import Cable
from detour import detour_executor
from faults import LONG, Link, Load, check, marks_folder, read_marks, settle
from node import Node, wait_until

CUTS = 40 if LONG else 6
AWAY = ('ESysDB', 'ESysAsyncTaskFailed')    # what a management request is told meanwhile


class Edged:
    """A node with a cable at each of these edges."""

    def __init__(self, node, callers, api, mysql):
        self.node, self.callers, self.api, self.mysql = node, callers, api, mysql


@pytest.fixture(scope='module')
def edged(session_node, test_folder):
    node = Node(test_folder / 'edged', session_node, {
        '_WORKER_CONCURRENCY': 3, '_WORKER_MAX_CONCURRENCY': 8, 'LOG_LEVEL': 'WARNING'})
    try:
        node.start('redis')
        node.ctl('db', 'migrate')
        run = node.install / 'run'
        with Cable(None, node.port) as callers, Cable(run / 'a.sock', run / 'api.sock') as api, \
                Cable(run / 'm.sock', node.setting('MYSQL_SOCKET')) as mysql:
            conf = node.install / 'nginx/api-scgi.conf'
            conf.write_text(conf.read_text().replace('run/api.sock', 'run/a.sock'))
            with detour_executor(node, MYSQL_SOCKET=mysql.path):
                node.start('executor', 'nginx')
            node.publish_fixtures()
            yield Edged(node, callers, api, mysql)
            node.stop('executor', 'nginx')
    finally:
        node.destroy()


def cut_often(cable):
    for _ in range(CUTS):
        cable.cut()
        time.sleep(0.3)


def test_callers_are_cut_off_again_and_again(edged):
    """Each job of a caller that has left runs once and to its end."""
    node = edged.node
    before = settle(node)
    with Load(node, port=edged.callers.port) as load:
        cut_often(edged.callers)
        load.after()
    after = settle(node)
    words = check(load)
    print(f'callers cut off: {dict(words)}')
    assert words['ok'] > 50 and words['broken'] > 0 and set(words) == {'ok', 'broken'}, words
    begun, ended = read_marks(load.path)
    assert begun == ended
    # What was accepted is what ran: a connection that broke before that left nothing.
    ran = sum(ended.values())
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} \
        == {'accepted': ran, 'success': ran}


def test_callers_that_a_firewall_forgets_cost_nothing_but_their_answers(edged):
    node = edged.node
    before = settle(node)
    path = marks_folder(node) / 'forgotten'
    links = [Link(edged.callers.port, timeout=0.1) for _ in range(6)]
    with contextlib.ExitStack() as stack:
        for number, link in enumerate(links):
            stack.callback(link.close)
            link.send('auln-mark', {'path': str(path), 'mark': f'f{number}', 'seconds': 0.5})
        wait_until(lambda: pending(node) == len(links), 5, 'the calls under way')
        edged.callers.forget()
        with Load(node, callers=4, port=edged.callers.port) as load:
            pass
        assert pending(node) == 0
        for link in links:
            with pytest.raises(OSError):
                link.receive()
    after = settle(node)
    assert set(check(load)) == {'ok'}
    begun, ended = read_marks(path)
    assert dict(begun) == dict(ended) == {f'f{number}': 1 for number in range(len(links))}
    assert after['success'] - before['success'] == len(links) + load.words()['ok']


def pending(node):
    return int(re.search(r'(?m)^dff_calls_pending (\d+)', node.get('/metrics').text)[1])


class Managers:
    """Management requests from several threads, until the block ends; told: what they got."""

    def __init__(self, node, count=3):
        self.admin = administrator(node)
        self.ending, self.told = threading.Event(), []
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)

    def _run(self):
        while not self.ending.is_set():
            try:
                self.told.append(listed(self.admin))
            except (AssertionError, OSError, http.client.HTTPException) as error:
                self.told.append(repr(error))

    def check(self):
        """Each was answered: well, or with the reason why not; it works again."""
        count = {word: self.told.count(word) for word in set(self.told)}
        print(f'management: {count}')
        assert set(count) <= {'ok', *AWAY} and count['ok'] > 10, count
        assert len(count) > 1, 'no cut has hit a request'
        wait_until(lambda: listed(self.admin) == 'ok', 10, 'management to work again')


def test_the_way_to_mysql_is_cut_again_and_again(edged):
    """Calls do not notice; no record of a task is lost; management says what it cannot do."""
    node = edged.node
    tasks = [batch_to(node, 'auln-same', value=0)]
    with Load(node, callers=4) as load, Managers(node) as managers:
        for number in range(CUTS):
            edged.mysql.cut()
            for _ in range(10):
                tasks.append(another(node, number))
            time.sleep(0.2)
        load.after()
    settle(node)
    assert set(check(load)) == {'ok'}
    managers.check()
    all_recorded(node, tasks)


def another(node, value):
    """The task of a batch that batch_to has made."""
    answer = call_batch(node, 'bat-r-same', value=value)
    assert answer.status == 200 and answer.seconds < 2, answer
    return answer.json['taskId']


def test_silent_connections_to_mysql_are_noticed(edged):
    """As after a firewall has forgotten them: management may wait, calls do not."""
    node = edged.node
    admin = administrator(node)
    with Load(node, callers=4) as load:
        edged.mysql.forget()
        tasks = [batch_to(node, 'auln-same', value=0)]
        tasks += [another(node, number) for number in range(20)]
        wait_until(lambda: listed(admin) == 'ok', 40, 'management to work again')
        load.after()
    settle(node)
    assert set(check(load)) == {'ok'}
    all_recorded(node, tasks)


def listed(admin):
    """What a management request is told: ok, or the reason why not."""
    answer = admin.get('/api/v1/auth-links/do/list', pageSize=5)
    if answer.status == 200:
        assert answer.json['ok'] is True and answer.json['data'], answer
        return 'ok'
    assert answer.json['ok'] is False and answer.status in (500, 503), answer
    return answer.json['reason']


def all_recorded(node, tasks):
    names = ', '.join(repr(task) for task in tasks)
    wait_until(lambda: int(node.sql(
        f"SELECT COUNT(*) FROM batch_task_info WHERE status = 'success' AND id IN ({names})"))
        == len(tasks), 40, 'the records of all tasks')


def test_the_way_to_the_api_processes_is_cut_again_and_again(edged):
    node = edged.node
    with Load(node, callers=4) as load, Managers(node) as managers:
        cut_often(edged.api)
        load.after()
    settle(node)
    assert set(check(load)) == {'ok'}
    managers.check()
