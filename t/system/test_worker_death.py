"""Workers that die: their caller hears at once, nobody else notices."""

import os
import re
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from faults import marks_folder, settle
from node import log_events, wait_until
from test_master_recovery import Jobs
from wire import Redis


def timed_call(node):
    answer = node.call('auln-nap', seconds=4)
    return answer, time.monotonic()


def test_kill_9_of_a_worker_in_a_call_is_answered_within_a_second(fresh_node):
    node = fresh_node
    node.allow('signal 9')
    node.publish_fixtures()
    started = f'dff:started:{node.setting("_NODE_NAME")}'

    with ThreadPoolExecutor(2) as pool:
        # the only call under way is in one of these: kill until it is hit
        call = pool.submit(timed_call, node)
        wait_until(lambda: node.redis('HLEN', started) == 1, 5, 'the start of the call')
        killed_at = time.monotonic()
        for pid in node.python_workers():
            os.kill(pid, signal.SIGKILL)
        answer, ended_at = call.result()

    assert answer.status == 599 and answer.json['error'] == 599.3
    assert 'signal 9' in answer.json['detail']['einfoTEXT']
    assert ended_at - killed_at < 1
    assert node.call('auln-ok').text == 'ok'
    assert settle(node)['lost'] == 1


def test_a_killed_worker_costs_its_job_and_none_that_runs_beside_or_waits_behind_it(fresh_node):
    node = fresh_node
    node.allow('signal 9')
    node.publish_fixtures()
    jobs, victim = Jobs(node), marks_folder(node) / 'victim'
    jobs.push('nap_as', {'path': str(victim), 'seconds': 20})
    jobs.push('nap', {'seconds': 3})
    wait_until(lambda: jobs.held() == (0, 2) and victim.exists() and victim.read_text(), 5,
               'the start of both')
    for _ in range(3):
        jobs.push('nap', {'seconds': 0.1})
    wait_until(lambda: jobs.held() == (3, 2), 2, 'three claimed ones')
    before = set(node.python_workers())

    os.kill(int(victim.read_text()), signal.SIGKILL)
    assert jobs.statuses() == ['lost'] + ['success'] * 4
    wait_until(lambda: len(node.python_workers()) == len(before), 5, 'a new worker')
    assert len(before - set(node.python_workers())) == 1
    assert settle(node)['lost'] == 1


def test_a_job_of_which_a_worker_could_be_told_nothing_is_done_by_another(make_node):
    """The way to it is shut, and the next job is sent in the very turn of its result."""
    node = make_node(_WORKER_CONCURRENCY=1, _WORKER_MAX_CONCURRENCY=1)
    node.allow('closed its socket', 'exited with status')
    node.start()
    node.publish_fixtures()
    with ThreadPoolExecutor(2) as pool:
        deaf = pool.submit(node.call, 'auln-deafen', seconds=0.4)
        wait_until(lambda: node.redis('HLEN', f'dff:started:{node.setting("_NODE_NAME")}') == 1,
                   5, 'the start of the first')
        behind = pool.submit(node.call, 'auln-ok')
        assert deaf.result().text == 'deaf'
        assert behind.result().text == 'ok', behind.result()
    assert settle(node)['lost'] == 0


def test_a_call_that_ends_its_process_costs_only_itself(node):
    node.allow('signal 9')
    for _ in range(5):
        answer = node.get('/api/v1/al/auln-die')
        assert answer.json['error'] == 599.3 and answer.seconds < 1
        assert node.get('/api/v1/al/auln-ok').text == 'ok'


def test_without_descriptors_for_a_new_worker_the_master_tries_again_now_and_then(fresh_node):
    node = fresh_node
    node.allow('signal 9', 'Too many open files')
    node.publish_fixtures()                     # by workers that are there
    workers = node.python_workers()
    master = node.pid('executor')
    before = resource.prlimit(master, resource.RLIMIT_NOFILE)
    resource.prlimit(master, resource.RLIMIT_NOFILE, (10, before[1]))     # it has more of them
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: 'Too many open files' in node.log_text(), 5, 'the failure')
    redis = Redis(node)
    for _ in range(300):
        redis('PUBLISH', 'dff:changed', 'script a__b 1')    # each wakes the master
        time.sleep(0.002)
    redis.close()
    tries = node.log_text().count('Too many open files')
    resource.prlimit(master, resource.RLIMIT_NOFILE, before)
    wait_until(lambda: len(node.python_workers()) == len(workers), 15, 'new workers')
    assert tries < 30


def end_of_worker(node, word):
    """The one event in the log that tells of the end of a worker, with this word in it."""
    def events():
        return [event for event in log_events(node.log_text())
                if word in event and ' of group 1-6 was killed by signal 9 ' in event]
    found = wait_until(events, 5, 'the end of the worker in the log')
    assert len(found) == 1, found
    return found[0]


def test_the_log_tells_in_one_event_what_a_killed_worker_ran_and_where_it_was(node):
    node.allow('signal 9', 'SoftTimeLimitExceeded')
    answer = node.call('auln-stick', {'timeout': 1, 'apiTimeout': 1}, word='amber')
    task = answer.json['detail']['id']
    wait_until(lambda: 'amber' in node.log_text(), 10, 'the kill')
    event = end_of_worker(node, 'amber')
    for text in (task, 't__marks.stick', 'origin auln-stick', 'over its limit of 1 s', 'peak RSS ',
                 'at its soft limit: Stack (most recent call first)', ' in stick',
                 'the end of its log:', 'before it stuck: amber'):
        assert text in event, event
    age_ms = int(re.search(r' for (\d+) ms', event)[1])
    assert 5900 <= age_ms <= 8000, event


def test_the_log_has_the_last_words_of_a_call_that_ended_its_process(node):
    node.allow('signal 9')
    answer = node.call('auln-last-words', word='ochre')
    assert answer.json['error'] == 599.3
    event = end_of_worker(node, 'ochre')
    assert 't__marks.last_words' in event and 'origin auln-last-words' in event
    assert 'last words: ochre' in event and 'at its soft limit' not in event
