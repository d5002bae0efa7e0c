"""The management API's view of a running cluster: nodes, tasks, logs, DFF.STORE."""

import json
import time

import pytest

from api import administrator, bad, good
from node import wait_until
from roles import READERS, WRITERS, check_roles, everyone

MONITOR = '/api/v1/monitor'


@pytest.fixture
def admin(node):
    return administrator(node)


def sql(node, text):
    return (node.mysql_of or node).mysql(f"USE {node.setting('MYSQL_DATABASE')}; {text}")


# --- nodes -------------------------------------------------------------------------------------


def test_the_nodes_are_told_from_their_heartbeats(node, admin):
    name = node.setting('_NODE_NAME')
    [ping] = admin.read(f'{MONITOR}/nodes/do/ping')
    assert ping['node'].startswith(name + '@') and ping['ping'] == 'pong'

    wait_until(lambda: admin.read(f'{MONITOR}/nodes/do/get-stats')[0]['pool']['processes'])
    [stats] = admin.read(f'{MONITOR}/nodes/do/get-stats')
    assert stats['node'] == ping['node'] and stats['broker']['virtual_host'] == '5'
    assert stats['pool']['max-concurrency'] >= 2
    assert set(stats['pool']['processes']) <= set(node.processes('executor'))
    assert stats['pool']['writes']['raw'] == stats['pool']['writes']['all'] >= 0
    assert stats['rusage']['maxrss'] > 1000

    [queues] = admin.read(f'{MONITOR}/nodes/do/get-active-queues')
    assert [queue['shortName'] for queue in queues['activeQueues']] == list('0123456789')
    assert all(queue['name'].endswith('@' + queue['shortName'])
               for queue in queues['activeQueues'])

    [report] = admin.read(f'{MONITOR}/nodes/do/get-report')
    assert name in report['report'] and 'claimed' in report['report']


def test_a_node_without_a_heartbeat_answers_no_ping(node, admin):
    node.redis('SADD', 'dff:nodes', 'gone')
    try:
        assert len(admin.read(f'{MONITOR}/nodes/do/ping')) == 1
    finally:
        node.redis('SREM', 'dff:nodes', 'gone')


# --- queues ------------------------------------------------------------------------------------


def envelope(identity, queue=9, func='nobody__here.f', kwargs='{}'):
    head = json.dumps({'id': identity, 'func': func, 'queue': queue, 'origin': 'direct',
                       'timeout': 5, 'queuedAt': 1}, separators=(',', ':'))
    return f'DFF1 {len(head)} {len(kwargs)} 0\n{head}{kwargs}'


@pytest.fixture
def idle_queue(make_node):
    """A node that serves queue 9 with nobody, and its administrator."""
    made = make_node(_WORKER_GROUPS="'0-8'")
    made.start()
    return made, administrator(made)


def test_queued_tasks_are_listed_and_cleared(idle_queue):
    node, admin = idle_queue
    for i in range(30):
        node.redis('LPUSH', 'dff:queue:9', envelope(f'task-{i:016}', func=f'q__s.f{i % 3}',
                                                    kwargs='{"a":1}'))
    node.redis('LPUSH', 'dff:queue:9', 'no envelope')

    queued = admin.read(f'{MONITOR}/tasks/do/list-queued')
    assert queued['totalCount'] == 31 and len(queued['queuedTasks']) == 20
    first = queued['queuedTasks'][0]
    assert first == {'queue': '9', 'origin': 'direct', 'id': f'task-{0:016}', 'task': 'q__s.f0',
                     'args': [], 'kwargs': {'a': 1}, 'eta': None}
    some = admin.read(f'{MONITOR}/tasks/do/list-queued', task='q__*.f1')
    assert some['totalCount'] == 10
    assert {task['task'] for task in some['queuedTasks']} == {'q__s.f1'}
    # no other character is special
    assert admin.read(f'{MONITOR}/tasks/do/list-queued', task='q__s.f?')['totalCount'] == 0

    clear = f'{MONITOR}/worker-queues/do/clear'
    for body in ({}, {'workerQueues': []}, {'workerQueues': ['10']}, {'workerQueues': ['9', 'x']},
                 {'workerQueues': '9'}, {'workerQueues': [9]}, {'workerQueues': ['9'], 'x': 1}):
        bad(admin.post(clear, body), 'EClientBadRequest', 400)
    assert node.redis('LLEN', 'dff:queue:9') == 31
    assert good(admin.post(clear, {'workerQueues': ['workerQueue@9']}))['data'] is None
    assert node.redis('LLEN', 'dff:queue:9') == 0
    # who asks for one of them later is told
    assert 'TaskCleared' in str(node.redis('GET', f'dff:result:task-{0:016}'))
    [record] = admin.list('operation-records', reqRoute='worker-queues', pageSize=1)
    assert record['respStatusCode'] == 200 and record['userId'] == 'u-admin'


def test_scheduled_tasks_are_listed_by_their_time(node, admin):
    due = int(time.time() * 1000) + 3600_000
    jobs = [envelope(f'task-late-{i:012}', func='later__s.f') for i in range(3)]
    try:
        for i, job in enumerate(jobs):
            node.redis('ZADD', 'dff:delayed', due - i, job)
        answer = admin.read(f'{MONITOR}/tasks/do/list-scheduled', task='later__s.*')
        assert answer['totalCount'] == 3
        assert [task['id'][-1] for task in answer['scheduledTasks']] == ['2', '1', '0']
        assert all(task['eta'].endswith('Z') for task in answer['scheduledTasks'])
    finally:
        node.redis('ZREM', 'dff:delayed', *jobs)


def test_recent_tasks_are_listed(node, admin):
    sql(node, "INSERT INTO batch_task_info (id, batchId, funcId, status, queueTime) VALUES"
              " ('task-recent-1', 'bat-x', 'recent__s.f', 'success', '2026-01-02 03:04:05.678'),"
              " ('task-recent-2', 'bat-x', 'recent__s.g%', 'failure', NULL),"
              " ('task-recent-3', 'bat-x', 'recent__s.f', 'queued', NULL)")
    try:
        read = f'{MONITOR}/tasks/do/list-recent'
        answer = admin.read(read, task='recent__s.*')
        assert answer['totalCount'] == 3
        assert {task['status'] for task in answer['recentTasks']} \
            == {'SUCCESS', 'FAILURE', 'PENDING'}
        [one] = admin.read(read, task='recent__s.*', status='SUCCESS')['recentTasks']
        assert (one['id'], one['origin']) == ('task-recent-1', 'batch')
        assert one['queueTime'] == '2026-01-02T03:04:05.678Z' and one['endTime'] is None
        assert admin.read(read, task='recent__s.g%')['totalCount'] == 1
        assert admin.read(read, task='recent__%')['totalCount'] == 0
        bad(admin.get(read, status='success'), 'EClientBadRequest', 400)
    finally:
        sql(node, "DELETE FROM batch_task_info WHERE id LIKE 'task-recent-%'")


# --- DFF.STORE -----------------------------------------------------------------------------------


def test_values_of_the_store_are_listed_got_and_deleted(node, admin):
    sql(node, "INSERT INTO func_store (id, scope, `key`, valueJSON, expireAt) VALUES"
              " ('fnst-1', 'q1__b', 'k', '{\"x\": [1]}', NULL), ('fnst-2', 'q1__b', 'n%', 'null', 1),"
              " ('fnst-3', 'q1__c', 'n%', '1.5', 2000000000), ('fnst-4', 'q1__c', 'm', 'broken', NULL)")
    try:
        # no script of another test, which may have stored something, has such a name
        rows = {row['id']: row for row in admin.list('func-stores', scope='q1__')}
        assert set(rows) == {'fnst-1', 'fnst-3', 'fnst-4'}      # the other has expired
        assert set(rows['fnst-1']) == {'seq', 'id', 'scope', 'key', 'type', 'expireAt',
                                       'createTime', 'updateTime', 'dataSize'}
        assert [rows[f'fnst-{i}']['type'] for i in (1, 3, 4)] == ['OBJECT', 'DOUBLE', None]
        assert rows['fnst-1']['dataSize'] == 10 and rows['fnst-3']['expireAt'] == 2000000000
        assert [row['id'] for row in admin.list('func-stores', scope='1__c', sort='key')] \
            == ['fnst-4', 'fnst-3']
        assert [row['id'] for row in admin.list('func-stores', scope='q1__', key='%')] == ['fnst-3']
        assert admin.list('func-stores', _fuzzySearch="' OR 1=1 --") == []

        value = admin.read('/api/v1/func-stores/fnst-1/do/get')
        assert value['valueJSON'] == {'x': [1]} and 'dataSize' not in value
        assert admin.delete('func-stores', 'fnst-1') == {'id': 'fnst-1'}
        for what in ('get', 'delete'):
            value = bad(admin.get(f'/api/v1/func-stores/fnst-1/do/{what}'), 'EClientNotFound', 404)
            assert value['detail'] == {'entity': 'func store', 'id': 'fnst-1'}
    finally:
        sql(node, "DELETE FROM func_store WHERE id LIKE 'fnst-_'")


# --- DFF.CACHE -----------------------------------------------------------------------------------


def cache_key(scope, name):
    return f'dff:cache:func:{len(scope.encode())}:{scope}:{name}'


def test_values_of_the_cache_are_listed_got_and_deleted(node, admin):
    values = {('t__c', 'k'): ('SET', '"text"'), ('t__c', 'a/b %'): ('HSET', 'f', '{"x":1}'),
              ('t__c:x', 'l*'): ('RPUSH', '1', 'no json'), ('t__c', 'z'): ('SADD', '1'),
              ('t__d', '[k]?'): ('SET', '5')}
    try:
        for (scope, name), (command, *words) in values.items():
            node.redis(command, cache_key(scope, name), *words)
        node.redis('EXPIRE', cache_key('t__c', 'k'), 100)
        rows = admin.list('func-caches', scope='t__')
        assert [row['key'] for row in rows] == sorted(name for _, name in values)
        by_key = {row['key']: row for row in rows}
        assert set(rows[0]) == {'fullKey', 'scope', 'key', 'type', 'ttl', 'memoryUsage'}
        assert by_key['k']['fullKey'] == 'DataFluxFunc-worker#funcCache@t__c:key:k:'
        assert 98 <= by_key['k']['ttl'] <= 100 and by_key['z']['ttl'] == -1
        assert by_key['k']['memoryUsage'] > 10
        assert [by_key[key]['type'] for key in ('k', 'a/b %', 'l*', 'z')] \
            == ['string', 'hash', 'list', 'set']
        # characters of patterns are characters
        for search, found in (('*', ['l*']), ('[k]', ['[k]?']), ('?', ['[k]?']), ('%', ['a/b %'])):
            assert [row['key'] for row in admin.list('func-caches', scope='t__', key=search)] \
                == found, search
        assert {row['scope'] for row in admin.list('func-caches', _fuzzySearch='t__c:')} \
            == {'t__c:x'}
        bad(admin.get('/api/v1/func-caches/do/list', pageSize=10), 'EClientBadRequest', 400)

        base = '/api/v1/func-caches'
        assert admin.read(f'{base}/t__c/k/do/get') == '"text"'
        assert admin.read(f'{base}/t__c/a%2Fb%20%25/do/get') == {'f': {'x': 1}}
        assert admin.read(f'{base}/t__c%3Ax/l*/do/get') == [1, 'no json']
        assert isinstance(admin.read(f'{base}/t__c/z/do/get'), str)
        assert isinstance(admin.read(f'{base}/t__c/nothing/do/get'), str)
        node.redis('SETRANGE', cache_key('t__d', 'big'), 6 << 20, 'x')
        assert 'too large' in admin.read(f'{base}/t__d/big/do/get')
        for _ in range(2):
            assert good(admin.get(f'{base}/t__c/a%2Fb%20%25/do/delete'))['data'] is None
        assert node.redis('EXISTS', cache_key('t__c', 'a/b %')) == 0
        assert node.redis('EXISTS', cache_key('t__c', 'k')) == 1
        # nothing but values of scripts can be named
        good(admin.get(f'{base}/x/..%2F..%2Fdff%3Ascripts/do/delete'))
        assert node.redis('EXISTS', 'dff:scripts') == 1
    finally:
        for scope, name in [*values, ('t__d', 'big')]:
            node.redis('DEL', cache_key(scope, name))


# --- statistics ----------------------------------------------------------------------------------


def test_statistics_are_sampled_by_one_and_averaged(node, admin):
    # at once: else a sample that is taken meanwhile loses its first half, and is the only one
    node.redis('DEL', 'dff:monitor', *node.redis('KEYS', 'dff:monitor*'))
    admin.list('users')
    read = f'{MONITOR}/sys-stats/do/get'
    for name in ('serverCPUPercent', 'workerMemoryPSS', 'dbDiskUsed', 'cacheDBKeyCountByPrefix'):
        wait_until(lambda name=name: node.redis('EXISTS', f'dff:monitor:{name}'), 40, name)
    data = admin.read(read)
    stats, host = data['sysStats'], data['hostname']
    for name in ('serverCPUPercent', 'workerCPUPercent', 'serverMemoryRSS', 'workerMemoryPSS',
                 'serverMemoryHeapTotal', 'serverMemoryHeapUsed', 'serverMemoryHeapExternal'):
        [[at, value]] = stats[name][host]
        assert at % 600000 == 0 and value >= 0 and round(value, 2) == value, name
    assert stats['serverMemoryRSS'][host][0][1] > 10 and stats['workerMemoryPSS'][host][0][1] > 1
    assert stats['dbDiskUsed']['user'][0][1] > 0
    assert set(stats['workerQueueLength']) == set('0123456789')
    assert stats['cacheDBKeyUsed'][0][1] > 1 and stats['cacheDBMemoryUsed'][0][1] > 0
    assert stats['cacheDBKeyCountByPrefix']['dff:node'][0][1] == 1
    # what others asked for just before may be counted after the counters were removed
    wait_until(lambda: dict(admin.read(read)['sysStats']['matchedRouteCount']).get(
        '/api/v1/users/do/list', 0) >= 1, 40, 'the count of a route')
    counts = [count for _, count in admin.read(read)['sysStats']['matchedRouteCount']]
    assert counts == sorted(counts, reverse=True)
    assert not any('/monitor/' in route for route, _ in
                   admin.read(read)['sysStats']['matchedRouteCount'])
    assert node.redis('LLEN', 'dff:monitor:serverMemoryRSS') == 1      # of all api processes

    # two buckets, oldest first; what is too old is not shown
    now = int(time.time() * 1000) // 600000 * 600000
    node.redis('DEL', 'dff:monitor:cacheDBKeyUsed')
    for at, value in ((now - 4 * 86400_000, 1), (now - 600000, 1), (now - 500000, 2), (now, 5)):
        node.redis('LPUSH', 'dff:monitor:cacheDBKeyUsed', json.dumps([at, {'': value}]))
    assert admin.read(read)['sysStats']['cacheDBKeyUsed'] == [[now - 600000, 1.5], [now, 5]]

    cleared = admin.read(f'{MONITOR}/sys-stats/do/clear')
    assert cleared['clearCount'] == len(cleared['clearKeys']) >= 12
    assert admin.read(read)['sysStats']['cacheDBKeyUsed'] == []


def test_the_environment_of_the_server_is_told(admin):
    data = admin.read(f'{MONITOR}/server-environment/do/get')
    assert set(data) == {'osArch', 'osType', 'osRelease', 'cpuModel', 'cpuCores', 'nodeVersion',
                         'nodePackages', 'mysqlVersion', 'redisVersion'}
    assert data['osType'] == 'Linux' and data['cpuCores'] >= 1 and data['nodeVersion'] is None
    assert data['mysqlVersion'] and data['redisVersion']


# --- system logs ---------------------------------------------------------------------------------


def test_the_log_is_followed_by_its_position(node, admin):
    good(admin.get('/api/v1/auth/profile/do/get', headers={'X-Trace-Id': 'trace-of-the-log-test'}))
    first = admin.read('/api/v1/system-logs')
    assert any(line.startswith('[I] ') and 'trace-of-the-log-test' in line
               for line in first['logs'])
    assert all('\n' not in line for line in first['logs'])
    size = node.install.joinpath('data/logs/dataflux-func.log').stat().st_size
    assert 0 < first['nextPosition'] <= size

    # polling with its trace id adds nothing
    quiet = {'X-Trace-Id': 'TRACE-PULLLOGS'}
    position = first['nextPosition']
    for _ in range(3):
        data = good(admin.get('/api/v1/system-logs', headers=quiet, position=position))['data']
        assert not any('system-logs' in line and 'PULLLOGS' in line for line in data['logs'])
        position = data['nextPosition']
    # the id quiets no other route
    good(admin.get('/api/v1/auth/profile/do/get', headers=quiet))
    more = good(admin.get('/api/v1/system-logs', headers=quiet, position=position))['data']
    assert any('TRACE-PULLLOGS' in line for line in more['logs'])

    end = admin.read('/api/v1/system-logs', position=10 ** 15)
    assert end['logs'] == [] and end['nextPosition'] <= size + 10 ** 6
    for wrong in ('-1', 'x', '1.5', '1 '):
        bad(admin.get('/api/v1/system-logs', position=wrong), 'EClientBadRequest', 400)


def test_bytes_that_are_no_text_do_not_break_the_log(node, admin):
    path = node.install / 'data/logs/dataflux-func.log'
    with open(path, 'ab') as log:
        log.write(b'2026-01-01T00:00:00.000+08:00 INFO test[1] - \xff\x00"\\ end\n\tmore\n')
    lines = admin.read('/api/v1/system-logs')['logs']
    assert any(line.startswith('[I] ') and line.endswith(' end') for line in lines)
    assert '\tmore' in lines


# --- overview ------------------------------------------------------------------------------------


def test_the_overview_has_its_sections(node, admin):
    data = admin.read('/api/v1/func/overview')
    assert list(data) == ['bizEntityCount', 'workerQueueInfo', 'scriptOverview',
                          'latestOperations']
    counts = {one['name']: one['count'] for one in data['bizEntityCount']}
    assert list(counts) == ['scriptSet', 'script', 'func', 'dataSource', 'envVariable', 'authLink',
                            'crontabConfig', 'batch', 'fileService', 'user']
    assert counts['script'] == len(data['scriptOverview']) > 0 and counts['user'] > 0
    assert len(data['workerQueueInfo']) == 10
    assert data['workerQueueInfo'][1]['workerCount'] >= 2
    assert data['workerQueueInfo'][1]['maxPressure'] \
        == data['workerQueueInfo'][1]['workerCount'] * 300000
    [basic] = [one for one in data['scriptOverview'] if one['id'] == 't__basic']
    assert basic['codeSize'] > 0 and basic['funcCount'] > 0 and basic['publishVersion'] >= 1
    assert basic['latestPublishTime'].endswith('Z') and 'code' not in basic
    admin.get('/api/v1/func-stores/nothing/do/delete')
    data = admin.read('/api/v1/func/overview', sections='latestOperations,workerQueueInfo')
    assert list(data) == ['workerQueueInfo', 'latestOperations']
    assert len(data['latestOperations']) <= 10
    assert data['latestOperations'][0]['reqRoute'] == '/api/v1/func-stores/:id/do/delete'
    assert data['latestOperations'][0]['_operationEntityId'] == 'nothing'
    bad(admin.get('/api/v1/func/overview', sections='x'), 'EClientBadRequest', 400)


def test_logs_and_records_are_cleared_by_administrators(node, admin):
    admin.get('/api/v1/func-stores/nothing/do/delete')
    assert good(admin.post('/api/v1/log-cache-tables/do/clear', {}))['data'] is None
    [record] = admin.list('operation-records')      # of the clearing itself
    assert record['reqRoute'] == '/api/v1/log-cache-tables/do/clear'
    assert admin.list('batch-task-info') == [] and admin.list('script-logs') == []


# --- who may -------------------------------------------------------------------------------------


def test_roles_and_what_they_may(node):
    with everyone(node) as people:
        for path in (f'{MONITOR}/nodes/do/ping', f'{MONITOR}/nodes/do/get-stats',
                     f'{MONITOR}/nodes/do/get-active-queues', f'{MONITOR}/nodes/do/get-report',
                     f'{MONITOR}/tasks/do/list-queued', f'{MONITOR}/tasks/do/list-scheduled',
                     f'{MONITOR}/tasks/do/list-recent', '/api/v1/func-stores/do/list',
                     '/api/v1/func-stores/fnst-x/do/get', '/api/v1/func-caches/do/list',
                     '/api/v1/func-caches/x/y/do/get', f'{MONITOR}/sys-stats/do/get',
                     f'{MONITOR}/server-environment/do/get'):
            check_roles(people, lambda api: api.get(path), READERS)
        check_roles(people, lambda api: api.get('/api/v1/system-logs'), ['admin'])
        check_roles(people, lambda api: api.post('/api/v1/log-cache-tables/do/clear'), ['admin'])
        check_roles(people, lambda api: api.get('/api/v1/func/overview'), READERS)
        check_roles(people, lambda api: api.get('/api/v1/func-stores/fnst-x/do/delete'), WRITERS)
        check_roles(people, lambda api: api.get('/api/v1/func-caches/x/y/do/delete'), WRITERS)
        check_roles(people, lambda api: api.get(f'{MONITOR}/sys-stats/do/clear'), WRITERS)
        check_roles(people, lambda api: api.post(f'{MONITOR}/worker-queues/do/clear',
                                                 {'workerQueues': ['x']}), WRITERS)
