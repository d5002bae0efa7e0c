"""dffctl call, task, queue: outcomes and exit statuses."""

import json
import signal
import subprocess
import time

import pytest

from batches import batch_to as batch
from node import wait_until

OK, FAILED, USAGE, RAISED, TIMEOUT, LOST = range(6)

SCRIPT = """
import os, time

@DFF.API('x')
def value(what):
    return {'number': 123456789012345678901234567890, 'what': what}

@DFF.API('x')
def text():
    return 'h\u00e9\\nllo'

@DFF.API('x')
def boom():
    raise ValueError('x')

@DFF.API('x', timeout=60)
def slow(seconds):
    time.sleep(seconds)
    return 'slept'

@DFF.API('x')
def dies():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope='module', autouse=True)
def script(session_node):
    session_node.ctl('script', 'publish', '-', '--id', 't__ctl', stdin=SCRIPT)


def start(node, *words):
    return subprocess.Popen([node.install / 'bin/dffctl', '--config', node.config, *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_exit_status_tells_the_outcome(node):
    node.allow('t__ctl.')       # failures of functions are ERROR lines
    for words, status, text in (
            (['value', '{"what": "\u4f60"}'], OK, '\u4f60'),
            (['text'], OK, 'h\u00e9\nllo'),
            (['boom'], RAISED, 'ValueError: x'),
            (['slow', '{"seconds": 20}', '--timeout', '1'], TIMEOUT, 'SoftTimeLimitExceeded'),
            (['dies'], LOST, 'SIGKILL'),
            (['value', '{"nonesuch": 1}'], RAISED, 'nonesuch'),
            (['nonesuch'], FAILED, 'no such function'),
            (['value', '{"what"'], USAGE, 'KWARGS is not JSON: line 1'),
            (['value', '3'], USAGE, 'must be a JSON object'),
            (['text', '--timeout', '0'], USAGE, 'a number from 1 to'),
            (['text', '--timeout', '1x'], USAGE, 'a number from 1 to'),
    ):
        done = node.ctl('call', f't__ctl.{words[0]}', *words[1:], check=False)
        assert done.returncode == status, (words, done)
        assert text in done.stdout + done.stderr, (words, done)
        assert bool(done.stdout) == (status == OK)


def test_json_keeps_every_digit(node):
    node.allow('t__ctl.boom')
    text = node.ctl('call', 't__ctl.value', '{"what": 1}', '--json').stdout
    answer = json.loads(text)
    assert answer['status'] == 'success' and answer['taskId'].startswith('task-')
    assert answer['result'] == {'number': 123456789012345678901234567890, 'what': 1}
    done = node.ctl('call', 't__ctl.boom', '--json', check=False)
    assert done.returncode == RAISED
    assert json.loads(done.stdout)['error']['etype'] == 'ValueError'


def test_a_call_leaves_no_list_of_replies_behind(node):
    node.ctl('call', 't__ctl.text')
    assert [key for key in node.redis('KEYS', 'dff:reply:ctl-*')] == []


def test_task_show_tells_state_and_result(node):
    link = 'auln-ctl-late'
    node.ctl('link', 'add', 't__ctl.slow', '--id', link, '--update')
    answer = node.call(link, options={'apiTimeout': 1}, seconds=2.5)
    assert answer.status == 599
    task = answer.json['detail']['id']
    assert 'running' in node.ctl('task', 'show', task).stdout
    text = wait_until(lambda: 'success' in (done := node.ctl('task', 'show', task).stdout) and done,
                      10, 'the result')
    assert 'slept' in text
    assert json.loads(node.ctl('task', 'show', task, '--json').stdout)['result'] == 'slept'

    done = node.ctl('task', 'show', 'task-nonesuch', check=False)
    assert done.returncode == FAILED and 'nothing is known' in done.stderr
    assert node.ctl('task', 'show', 'x', check=False).returncode == USAGE


def test_task_show_has_the_row_and_the_log_of_a_batch_and_what_was_saved(node):
    node.allow('t__basic')
    task = batch(node, 'auln-boom', text='shown')
    wait_until(lambda: 'failure' in node.sql(
        f"SELECT status FROM batch_task_info WHERE id = '{task}'"), 10, 'the row')
    for forgotten in (False, True):
        if forgotten:
            node.redis('DEL', f'dff:result:{task}')
        done = node.ctl('task', 'show', task, check=False)
        assert done.returncode == RAISED
        for text in ('status   failure', 'function t__basic.boom', 'origin   batch bat-r-boom',
                     'ValueError: shown', 'Traceback'):
            assert text in done.stdout
        told = json.loads(node.ctl('task', 'show', task, '--json', check=False).stdout)
        assert told['origin'] == 'batch' and told['originId'] == 'bat-r-boom'
        assert told['queueTime'] <= told['startTime'] <= told['endTime']
        assert 'Traceback' in told['log'] and 'ValueError: shown' in str(told['error'])

    task = node.call('auln-same', {'saveResult': True}, value=[1]).headers['x-dff-task-id']
    wait_until(lambda: node.sql(f"SELECT id FROM task_result WHERE id = '{task}'"), 10, 'the row')
    node.redis('DEL', f'dff:result:{task}')
    assert json.loads(node.ctl('task', 'show', task, '--json').stdout)['result'] == [1]

    task = batch(node, 'auln-ok')
    wait_until(lambda: 'success' in node.sql(
        f"SELECT status FROM batch_task_info WHERE id = '{task}'"), 10, 'the row')
    node.redis('DEL', f'dff:result:{task}')
    assert 'result   (not kept)' in node.ctl('task', 'show', task).stdout


def test_queue_clear_leaves_a_record_of_a_batch(node):
    node.stop('executor')
    task = batch(node, 'auln-ok')
    assert 'queue 9: 1 jobs dropped' in node.ctl('queue', 'clear', '9').stdout
    node.start('executor')
    wait_until(lambda: 'cleared by the operator' in node.sql(
        f"SELECT einfoTEXT FROM batch_task_info WHERE id = '{task}' AND status = 'failure'"),
        10, 'the row')


def test_queue_clear_tells_the_callers_whose_jobs_it_drops(node):
    # The master is held, so that the jobs stay where they are.
    node.kill('executor', signal.SIGSTOP)
    calls = []
    try:
        calls = [start(node, 'call', 't__ctl.text') for _ in range(2)]
        # Commands that the master has sent before take jobs on its behalf.
        wait_until(lambda: jobs(node, 1) + node.redis(
            'LLEN', f"dff:claimed:{node.setting('_NODE_NAME')}") == 2)
        queued = jobs(node, 1)
        begin = time.monotonic()
        assert f'queue 1: {queued} jobs dropped' in node.ctl('queue', 'clear', '1').stdout
        assert jobs(node, 1) == 0
        wait_until(lambda: sum(call.poll() == LOST for call in calls) == queued, 5, 'the answers')
        assert time.monotonic() - begin < 5
    finally:
        node.kill('executor', signal.SIGCONT)
        outputs = [call.communicate(timeout=60) for call in calls]
    assert sorted(call.returncode for call in calls) == [OK] * (2 - queued) + [LOST] * queued
    assert sum('cleared by the operator' in error for _, error in outputs) == queued


def test_queue_words_are_checked(node):
    assert json.loads(node.ctl('queue', 'list', '--json').stdout).keys() == set('0123456789')
    for word in ('10', '-1', 'x', ''):
        done = node.ctl('queue', 'clear', word, check=False)
        assert done.returncode == USAGE and 'from 0 to 9' in done.stderr
    assert 'queue 9: 0 jobs' in node.ctl('queue', 'clear', 'all').stdout


def jobs(node, queue):
    return json.loads(node.ctl('queue', 'list', '--json').stdout)[str(queue)]
