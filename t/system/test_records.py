"""Records of tasks: what batches and calls with saveResult leave in MySQL, and that nothing
is lost on the way there."""

import contextlib
import json
import subprocess
import time

import pytest

from api import administrator
from batches import add_batch, batch_to as batch, call_batch
from node import wait_until
from test_master_recovery import Jobs


def rows(node, table, task, *columns):
    """The columns of a task's row as texts; None: there is no row."""
    text = node.sql(f"SELECT {', '.join(columns)} FROM {table} WHERE id = '{task}'")
    lines = text.splitlines()
    assert len(lines) <= 1, lines
    return lines[0].split('\t') if lines else None


def info(node, task, *columns):
    return rows(node, 'batch_task_info', task, *columns)


def status_is(node, task, *expected):
    return lambda: (info(node, task, 'status') or [''])[0] in expected


def test_a_batch_is_queued_then_runs_then_is_a_success(node):
    node.stop('executor')
    task = batch(node, 'auln-nap', seconds=4)
    node.start('executor')
    wait_until(status_is(node, task, 'queued', 'pending'), 10, 'the row')
    wait_until(status_is(node, task, 'pending'), 10, 'the row says that it runs')
    wait_until(status_is(node, task, 'success'), 10, 'the row says how it ended')
    link, func, queued, started, took, einfo = info(
        node, task, 'batchId', 'funcId', 'queueTime < startTime', 'startTime < endTime',
        'TIMESTAMPDIFF(SECOND, startTime, endTime)', 'einfoTEXT')
    assert (link, func, queued, started, took, einfo) == \
        ('bat-r-nap', 't__basic.nap', '1', '1', '4', 'NULL')
    assert info(node, task, 'ABS(TIMESTAMPDIFF(SECOND, NOW(), endTime)) < 60') == ['1']


def test_a_failure_has_its_error_and_the_log_with_the_traceback(node):
    node.allow('t__basic')
    task = batch(node, 'auln-boom', text='r\u00e9cord "quoted"')
    wait_until(status_is(node, task, 'failure'), 10, 'the row')
    einfo, log = info(node, task, 'einfoTEXT', 'logMessageTEXT')
    assert einfo.endswith('ValueError: r\u00e9cord "quoted"')
    assert 'Traceback' in log and 'ValueError' in log


def test_a_timeout_and_a_killed_worker_are_failures(node):
    node.allow('t__basic', 'signal 9')
    late, dead = batch(node, 'auln-oversleep'), batch(node, 'auln-die')
    for task, word in ((late, 'SoftTimeLimitExceeded'), (dead, 'WorkerLostError')):
        wait_until(status_is(node, task, 'failure'), 20, 'the row')
        assert word in info(node, task, 'einfoTEXT')[0]


def test_the_record_of_a_killed_call_has_the_end_of_its_log(node):
    node.allow('signal 9')
    add_batch(node, 'bat-stick', 't__marks.stick')
    stuck = call_batch(node, 'bat-stick', {'timeout': 1}, word='flint').json['taskId']
    dead = batch(node, 'auln-last-words', word='slate \u00e9')
    wide = batch(node, 'auln-last-words', word='\u00e9' * 5000)      # a line longer than what is kept
    for task, error, text in ((dead, 'SIGKILL', 'last words: slate \u00e9'),
                              (wide, 'SIGKILL', '\u00e9' * 2000),
                              (stuck, 'SoftTimeLimitExceeded', 'before it stuck: flint')):
        wait_until(status_is(node, task, 'failure'), 20, 'the row')
        einfo, log, took = info(node, task, 'einfoTEXT', 'logMessageTEXT', 'startTime <= endTime')
        assert error in einfo and text in log and took == '1'


@pytest.mark.parametrize('func, kwargs, status, error, log', [
    ('last_words', {'word': 'chalk'}, 'failure', 'WorkerLostError', 'last words: chalk'),
    ('mark', {'path': '/nowhere/x', 'mark': 'm', 'seconds': 0}, 'failure', 'FileNotFoundError',
     'Traceback'),
])
def test_a_job_of_a_crontab_has_a_record_with_times_log_and_error(
        node, func, kwargs, status, error, log):
    node.allow('signal 9', 'FileNotFoundError')
    task = Jobs(node).push(func, kwargs, script='t__marks', queue=8, mode='crontab',
                           origin='crontab', originId='cron-record')
    wait_until(lambda: rows(node, 'crontab_task_info', task, 'status') == [status], 10, 'the row')
    link, name, order, einfo, text = rows(
        node, 'crontab_task_info', task, 'crontabConfigId', 'funcId',
        'queueTime <= startTime AND startTime <= endTime', 'einfoTEXT', 'logMessageTEXT')
    assert (link, name, order) == ('cron-record', f't__marks.{func}', '1')
    assert error in einfo and log in text


def test_a_batch_that_expires_leaves_a_record(node):
    node.stop('executor')
    task = batch(node, 'auln-ok')
    envelope = node.redis('LPOP', 'dff:queue:9')
    first, _, rest = envelope.partition('\n')
    size = int(first.split()[1])
    head = json.dumps({**json.loads(rest[:size]), 'expiresAt': 1700000000000},
                      separators=(',', ':'))
    node.redis('LPUSH', 'dff:queue:9',
               ' '.join(['DFF1', str(len(head)), *first.split()[2:]]) + '\n' + head + rest[size:])
    node.start('executor')
    wait_until(status_is(node, task, 'failure'), 10, 'the row')
    started, einfo = info(node, task, 'startTime', 'einfoTEXT')
    assert started == 'NULL' and einfo.startswith('TaskExpired: ')


def test_a_plain_call_leaves_nothing(node):
    answer = node.call('auln-ok')
    time.sleep(2)
    task = answer.headers['x-dff-task-id']
    for table in ('batch_task_info', 'crontab_task_info', 'task_result'):
        assert rows(node, table, task, 'id') is None


@pytest.mark.parametrize('link, kwargs, status, value', [
    ('auln-same', {'value': {'a': [1, '\u00e9']}}, 'SUCCESS', '"type":"json"'),
    ('auln-same', {'value': 'text'}, 'SUCCESS', '"raw":"text"'),
    ('auln-boom', {'text': 'saved'}, 'FAILURE', 'ValueError'),
])
def test_a_saved_result_has_a_row(node, link, kwargs, status, value):
    node.allow('t__basic')
    task = node.call(link, {'saveResult': True}, **kwargs).headers['x-dff-task-id']
    columns = ('status', 'origin', 'originId', 'execMode', 'kwargsJSON', 'retvalJSON',
               'endTime >= startTime AND endTime > 1600000000')
    found = wait_until(lambda: rows(node, 'task_result', task, *columns), 10, 'the row')
    assert found[:4] == [status, 'authLink', link, 'sync']
    assert json.loads(found[4].replace('\\\\', '\\')) == kwargs
    assert value in found[5] and found[6] == '1'


def test_nothing_is_lost_while_mysql_is_away(make_node):
    node = make_node()
    node.start()
    node.publish_fixtures()
    other = node.mysql_of
    other.stop('mysql')
    try:
        node.allow('records of tasks wait in Redis')
        tasks = [batch(node, 'auln-same', value=number) for number in range(300)]
        wait_until(lambda: 'records of tasks wait in Redis' in node.log_text(), 20, 'the warning')
        wait_until(lambda: node.redis('LLEN', 'dff:queue:9') == 0, 20, 'the end of the jobs')
        # the process that had a batch dies: another one has it
        assert node.redis('LLEN', 'dff:records') + node.redis('LLEN', 'dff:records:writing') >= 600
        assert node.redis('LLEN', 'dff:records:writing') > 0
        node.kill('executor')
        node.start('executor')
    finally:
        other.start('mysql')
    wait_until(lambda: node.redis('LLEN', 'dff:records') == 0
               and node.redis('LLEN', 'dff:records:writing') == 0, 90, 'the records are written')
    count = node.sql("SELECT COUNT(*) FROM batch_task_info WHERE status = 'success' AND id IN "
                     f"({', '.join(repr(task) for task in tasks)})")
    assert count.strip() == '300'


def test_a_record_that_no_table_takes_holds_up_nobody(node):
    node.allow('cannot be written')
    node.redis('DEL', 'dff:bad')
    node.redis('LPUSH', 'dff:records', 'nonsense')
    head = '{"id":"task-r-long","func":"a__b.c","origin":"batch","status":"success",' \
           '"endedAt":99999999999999999}'
    node.redis('LPUSH', 'dff:records', f'DFT1 {len(head)} 0 0 0\n{head}')
    task = batch(node, 'auln-ok')
    wait_until(status_is(node, task, 'success'), 20, 'the row')
    assert 'nonsense' in node.redis('LRANGE', 'dff:bad', 0, -1)
    node.redis('DEL', 'dff:bad')


def test_a_large_record_waits_for_a_server_that_is_read_only(make_node):
    node = make_node()
    node.start()
    node.allow('records of tasks wait in Redis')
    head = '{"id":"task-r-large","func":"a__b.c","origin":"batch","status":"success",' \
           f'"endedAt":{int(time.time() * 1000)}' + '}'
    size = 3 << 19
    other = node.mysql_of
    other.mysql('SET GLOBAL read_only = 1')
    try:
        node.redis('EVAL', "return redis.call('LPUSH', KEYS[1], ARGV[1] .. "
                   "string.rep('x', ARGV[2]))", 1, 'dff:records',
                   f'DFT1 {len(head)} 0 {size} 0\n{head}', size)
        wait_until(lambda: 'records of tasks wait in Redis' in node.log_text()
                   or node.redis('LLEN', 'dff:bad'), 20, 'the warning')
    finally:
        other.mysql('SET GLOBAL read_only = 0')
    wait_until(status_is(node, 'task-r-large', 'success'), 20, 'the row')
    assert node.redis('LLEN', 'dff:bad') == 0


LOCKS = {
    'a row': "START TRANSACTION; INSERT INTO batch_task_info (id, batchId, funcId, "
             "scriptPublishVersion) VALUES ('task-r-locked', 'bat', 'a__b.c', 1);",
    'a table': 'LOCK TABLES batch_task_info WRITE;',
}


@contextlib.contextmanager
def locked(node, statements):
    """Another client of MySQL has run these statements, and stays."""
    path = node.mysql_of.install / 'run/mysql/mysql.sock'
    with subprocess.Popen(
            ['mariadb', '--no-defaults', f'--socket={path}', '--user=root', '--unbuffered', '--batch',
             '--skip-column-names', node.setting('MYSQL_DATABASE')], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        client.stdin.write(f"{statements} SELECT 'locked';\n")
        client.stdin.flush()
        assert client.stdout.readline() == 'locked\n'
        yield
        client.stdin.close()


@pytest.mark.parametrize('what', LOCKS)
def test_locks_of_others_keep_records_waiting_and_no_request(make_node, what):
    node = make_node(_API_PROCESSES=1)
    node.start()
    admin = administrator(node)

    def record(task):
        head = json.dumps({'id': task, 'func': 'a__b.c', 'origin': 'batch', 'status': 'success',
                           'endedAt': int(time.time() * 1000)}, separators=(',', ':'))
        return f'DFT1 {len(head)} 0 0 0\n{head}'

    tasks = ['task-r-before', 'task-r-locked', 'task-r-behind']
    with locked(node, LOCKS[what]):
        node.redis('LPUSH', 'dff:records', *map(record, tasks))
        wait_until(lambda: node.redis('LLEN', 'dff:records:writing') == 3, 5, 'the writing')
        for _ in range(4):
            answer = admin.get('/api/v1/scripts/do/list')
            assert answer.status == 200 and answer.seconds < 4, answer
            time.sleep(0.5)
        assert node.redis('LLEN', 'dff:records:writing') == 3
    for task in tasks:
        wait_until(status_is(node, task, 'success'), 20, 'the row')
    assert node.redis('LLEN', 'dff:bad') == 0
    assert 'records of tasks wait in Redis: ' in node.log_text()


def test_records_may_come_twice_and_in_any_order(node):
    def record(status, **more):
        head = json.dumps({'id': 'task-r-order', 'func': 'a__b.c', 'origin': 'batch',
                           'originId': 'bat-r', 'status': status, 'queuedAt': 1700000000000,
                           **more}, separators=(',', ':'))
        return f'DFT1 {len(head)} 0 3 0\n{head}log'

    done = record('success', startedAt=1700000001000, endedAt=1700000002500)
    for bytes_ in (done, record('queued'), done, record('queued', startedAt=1700000001000)):
        node.redis('LPUSH', 'dff:records', bytes_)
        wait_until(lambda: node.redis('LLEN', 'dff:records') == 0
                   and node.redis('LLEN', 'dff:records:writing') == 0, 10, 'the writing')
        assert info(node, 'task-r-order', 'status', 'queueTime', 'endTime') == \
            ['success', '2023-11-14 22:13:20.000', '2023-11-14 22:13:22.500']


@pytest.mark.parametrize('last_first', [False, True])
def test_records_of_one_task_in_one_batch_are_one_row(node, last_first):
    def record(number, status, **more):
        head = json.dumps({'id': f'task-r-{int(last_first)}-{number}', 'func': 'a__b.c',
                           'origin': 'batch', 'originId': 'bat-many', 'status': status,
                           'queuedAt': 1700000000000, **more}, separators=(',', ':'))
        return f'DFT1 {len(head)} 0 0 0\n{head}'

    texts = []
    for number in range(100):
        three = [record(number, 'queued'), record(number, 'queued', startedAt=1700000001000),
                 record(number, 'success', startedAt=1700000001000, endedAt=1700000002000)]
        texts += reversed(three) if last_first else three
    texts += [record(100, 'queued'), record(101, 'queued', startedAt=1700000001000)]
    node.redis('EVAL', "for _, record in ipairs(ARGV) do redis.call('LPUSH', 'dff:records', record)"
               ' end', 0, *texts)
    wait_until(lambda: node.redis('LLEN', 'dff:records') == 0
               and node.redis('LLEN', 'dff:records:writing') == 0, 20, 'the writing')
    lines = node.sql('SELECT status, startTime, endTime, COUNT(*) FROM batch_task_info'
                     f" WHERE id LIKE 'task-r-{int(last_first)}-%'"
                     ' GROUP BY status, startTime, endTime ORDER BY status')
    started, ended = '2023-11-14 22:13:21.000', '2023-11-14 22:13:22.000'
    assert lines.splitlines() == [f'pending\t{started}\tNULL\t1', 'queued\tNULL\tNULL\t1',
                                  f'success\t{started}\t{ended}\t100']


def test_a_flood_of_records_is_bounded(node):
    """The masters keep the newest; nginx adds one for each call, which a master then ends."""
    wait_until(lambda: node.redis('LLEN', 'dff:records') == 0
               and node.redis('LLEN', 'dff:records:writing') == 0, 10, 'the end of others')
    node.redis('SET', 'dff:records:writer', 'writer-nobody', 'PX', 60000)
    try:
        node.redis('EVAL', "for i = 1, 100100 do redis.call('LPUSH', 'dff:records', 'x') end", 0)
        task = batch(node, 'auln-ok')
        wait_until(lambda: 'success' in (node.redis('GET', f'dff:result:{task}') or ''), 10,
                   'the run')
        # Both records of the call: nginx tells of the acceptance when it has heard of it, which
        # may be after the end of the run, and so after the cut.
        wait_until(lambda: all(task in node.redis('LINDEX', 'dff:records', n) for n in (0, 1)), 5,
                   'both records')
        assert node.redis('LLEN', 'dff:records') in (100000, 100001)
    finally:
        node.redis('DEL', 'dff:records')
        node.redis('DEL', 'dff:records:writer')


def test_one_process_writes_and_another_takes_over(node):
    writer = wait_until(lambda: node.redis('GET', 'dff:records:writer'), 5, 'a writer')
    node.redis('SET', 'dff:records:writer', 'writer-gone', 'PX', 3000)
    task = batch(node, 'auln-ok')
    begin = time.monotonic()
    wait_until(status_is(node, task, 'success'), 15, 'the row')
    assert time.monotonic() - begin > 1
    assert node.redis('GET', 'dff:records:writer') != 'writer-gone' and writer
