"""What scripts ask the api processes for, over the services socket itself."""

import hashlib
import json

import pytest

from node import wait_until
from services import CALL, Services, fails


# --- ENV ---------------------------------------------------------------------------------


def test_variables_are_listed_as_they_were_set(node, ask):
    node.ctl('env', 'set', 'number', '12', '--type', 'integer', '--title', 'A "number"')
    node.ctl('env', 'set', 'text', 'ä\n"', '--type', 'string')
    rows = {row['id']: row for row in ask('env.list')}
    assert rows['number'] == {'id': 'number', 'title': 'A "number"', 'type': 'integer',
                              'value': '12'}
    assert rows['text']['value'] == 'ä\n"' and rows['text']['title'] is None
    node.ctl('env', 'set', 'number', '13')
    rows = {row['id']: row for row in ask('env.list')}
    assert rows['number']['value'] == '13' and rows['number']['type'] == 'integer'
    node.ctl('env', 'delete', 'number')
    node.ctl('env', 'delete', 'text')
    assert not {'number', 'text'} & {row['id'] for row in ask('env.list')}


# --- STORE -------------------------------------------------------------------------------


@pytest.mark.parametrize('text', [
    '1', 'null', 'true', '"ä\\u0000\\n"', '[1,{"a":[]}]', '1e400', '1.0', '-0.0', '""',
    '123456789012345678901234567890', '{"b":1,"a":2}'])
def test_a_stored_value_keeps_its_text(ask, text):
    ask.send_text(b'{"op":"store.set","key":"k","scope":"s","value":' + text.encode() + b'}')
    assert ask.receive() is True
    ask.send('store.get', key='k', scope='s')
    assert ask.receive_text().decode() == '{"ok":true,"result":' + text + '}'


def test_keys_and_scopes_are_told_apart(ask):
    names = ['a', 'A', 'a ', 'ä', 'a-a', 'a-a-a', 'x' * 256, 'ä' * 256, 'nul\0nul', '😀' * 256]
    for scope in names:
        for key in names:
            assert ask('store.set', key=key, scope=scope, value=[scope, key]) is True
    for scope in names:
        for key in names:
            assert ask('store.get', key=key, scope=scope) == [scope, key]
    for scope in names:
        for key in names:
            assert ask('store.delete', key=key, scope=scope) is True
    assert ask('store.get', key='a', scope='a') is None
    assert ask('store.delete', key='a', scope='a') is False


def test_the_id_of_a_row_is_made_of_key_and_scope(node, ask):
    ask('store.set', key='k1', scope='s1', value=1)
    assert node.mysql("SELECT id, scope, `key`, valueJSON, expireAt IS NULL FROM "
                      f"{node.setting('MYSQL_DATABASE')}.func_store WHERE `key` = 'k1'").split() == [
                          'fnst-' + hashlib.md5(b'k1-s1').hexdigest(), 's1', 'k1', '1', '1']


def test_not_exists_leaves_what_is_there_and_expired_is_absent(ask):
    key = {'key': 'once', 'scope': 's'}
    ask('store.delete', **key)
    assert ask('store.set', value=1, notExists=True, **key) is True
    assert ask('store.set', value=2, notExists=True, **key) is False
    assert ask('store.get', **key) == 1
    assert ask('store.set', value=3, expire=0.2, **key) is True
    assert ask('store.get', **key) == 3
    wait_until(lambda: ask('store.get', **key) is None, 4, 'expiry')
    assert ask('store.delete', **key) is False
    assert ask('store.set', value=4, notExists=True, **key) is True
    assert ask('store.get', **key) == 4
    assert ask('store.set', value=5, expire=None, **key) is True


def test_a_large_value_goes_both_ways(ask):
    value = 'x' * (20 << 20)
    assert ask('store.set', key='large', scope='s', value=value) is True
    assert ask('store.get', key='large', scope='s') == value
    assert ask('store.delete', key='large', scope='s') is True


# --- CACHE -------------------------------------------------------------------------------

# Steps on one key: command, arguments, result.
CACHE = {
    'set get': [
        ('get', {}, None), ('set', {'value': {'a': [1, None]}}, True), ('get', {}, {'a': [1, None]}),
        ('set', {'value': 1, 'notExists': True}, False), ('getset', {'value': 'new'}, {'a': [1, None]}),
        ('get', {}, 'new'), ('delete', {}, True), ('delete', {}, False), ('getset', {'value': 1}, None),
        ('set', {'value': 1, 'notExists': True}, False), ('set', {'value': 2, 'expire': 100.5}, True)],
    'incr': [
        ('incr', {}, 1), ('incr', {'step': 10}, 11), ('incr', {'step': -20}, -9), ('get', {}, -9)],
    'expire': [
        ('expire', {'expire': 10}, False), ('set', {'value': 1}, True), ('expire', {'expire': 0.5}, True)],
    'hash': [
        ('hget', {'field': 'f'}, None), ('hget', {}, {}), ('hset', {'field': 'f', 'value': [1]}, True),
        ('hset', {'field': 'f', 'value': [2]}, True), ('hget', {'field': 'f'}, [2]),
        ('hmset', {'obj': {'g': 'x', 'ä"': None}}, True), ('hget', {}, {'f': [2], 'g': 'x', 'ä"': None}),
        ('hincr', {'field': 'n'}, 1), ('hincr', {'field': 'n', 'step': 4}, 5),
        ('hkeys', {'pattern': '?'}, ['f', 'g', 'n']), ('hkeys', {'pattern': 'x*'}, []),
        ('hdel', {'field': 'f'}, True), ('hdel', {'field': 'f'}, False), ('hget', {'field': 'f'}, None)],
    'list': [
        ('lpop', {}, None), ('rpop', {}, None), ('llen', {}, 0), ('lrange', {'start': 0, 'stop': -1}, []),
        ('lpush', {'value': 'b'}, 1), ('lpush', {'value': 'a'}, 2), ('rpush', {'value': {'c': 1}}, 3),
        ('llen', {}, 3), ('lrange', {'start': 0, 'stop': -1}, ['a', 'b', {'c': 1}]),
        ('lrange', {'start': 1, 'stop': 1}, ['b']), ('rpoplpush', {'destKey': 'other'}, {'c': 1}),
        ('ltrim', {'start': 0, 'stop': 0}, True), ('lpop', {}, 'a'), ('rpop', {}, None),
        ('rpoplpush', {'destKey': 'other'}, None)],
}


@pytest.mark.parametrize('name', CACHE)
def test_a_command_of_the_cache_does_as_redis_does(ask, name):
    place = {'key': f'key of {name}', 'scope': 'demo__cache'}
    ask('cache.delete', key='other', scope='demo__cache')
    ask('cache.delete', **place)
    for command, arguments, expected in CACHE[name]:
        result = ask(f'cache.{command}', **place, **arguments)
        if command == 'hkeys':
            result.sort()
        assert result == expected, (command, arguments)
    ask('cache.delete', **place)


def test_the_cache_is_kept_apart_by_scope_and_bytes(node, ask):
    for scope, key in (('s:1', 'k'), ('s', '1:k'), ('s', 'nul\0'), ('ä', '"')):
        assert ask('cache.set', key=key, scope=scope, value=[scope, key], expire=60) is True
    for scope, key in (('s:1', 'k'), ('s', '1:k'), ('s', 'nul\0'), ('ä', '"')):
        assert ask('cache.get', key=key, scope=scope) == [scope, key]
    assert 0 < node.redis('PTTL', 'dff:cache:func:3:s:1:k') <= 60000


def test_what_redis_says_about_the_words_is_told(ask):
    place = {'key': 'typed', 'scope': 's'}
    ask('cache.set', value='text', **place)
    assert 'WRONGTYPE' in fails(ask, 'InvalidOptionException', 'cache.lpush', value=1, **place)
    assert 'not an integer' in fails(ask, 'InvalidOptionException', 'cache.incr', **place)
    assert ask('cache.get', **place) == 'text'


# --- SRC ---------------------------------------------------------------------------------


def test_a_data_source_gives_its_secrets_to_scripts_only(node, ask):
    secret = 'pass"wörd-XYZ'
    config = {'host': 'db.example', 'database': 'd', 'user': 'u', 'password': secret}
    node.ctl('source', 'add', 'my_db', '--type', 'mysql', '--config', '-', '--title', 'The DB',
             stdin=json.dumps(config))
    try:
        got = ask('src.get', id='my_db')
        assert got['type'] == 'mysql'
        assert got['config'] == {**config, 'port': 3306, 'charset': 'utf8mb4'}
        rows = node.mysql(f"SELECT configJSON FROM {node.setting('MYSQL_DATABASE')}.data_source")
        listed = node.ctl('source', 'list').stdout
        assert 'The DB' in listed and 'db.example' in listed
        for text in (rows, listed):
            assert 'XYZ' not in text
        assert 'Cipher' not in listed and 'passwordCipher' in rows

        # What is left out of a secret stays, null removes it; another version each time.
        node.ctl('source', 'add', 'my_db', '--update', '--config',
                 '{"host": "h2", "database": "d", "user": "u"}')
        after = ask('src.get', id='my_db')
        assert after['config']['password'] == secret and after['config']['host'] == 'h2'
        assert after['version'] != got['version'] and len(got['version']) == 32
        node.ctl('source', 'add', 'my_db', '--update', '--config',
                 '{"host": "h2", "database": "d", "user": "u", "password": null}')
        assert ask('src.get', id='my_db')['config']['password'] == ''
    finally:
        node.ctl('source', 'delete', 'my_db')
    assert 'my_db' in fails(ask, 'NotFoundException', 'src.get', id='my_db')


# --- FUNC --------------------------------------------------------------------------------

SCRIPT = '''
@DFF.API('names', timeout=7)
def names(**kwargs):
    return [kwargs, _DFF_ROOT_TASK_ID, _DFF_FUNC_CHAIN, _DFF_ORIGIN, _DFF_ORIGIN_ID, _DFF_QUEUE,
            _DFF_EXEC_MODE, _DFF_TRACE_ID]
'''


@pytest.fixture
def script(node, tmp_path):
    path = tmp_path / 'names.py'
    path.write_text(SCRIPT)
    node.publish(path, 'demo__services')


def result_of(node, task):
    def result():
        answer = node.get('/api/v1/func-result', taskId=task)
        return answer if answer.status == 200 and answer.json['data']['status'] == 'success' \
            else None
    return wait_until(result, 10, 'the result').json['data']['result']


def test_a_function_runs_as_a_task_of_its_own(node, ask, script):
    task = ask('func.start', **CALL)
    assert task.startswith('task-')
    kwargs, root, chain, origin, origin_id, queue, mode, trace = result_of(node, task)
    assert kwargs == {'a': 1} and root == 'task-root'
    assert chain == ['demo__other.f', 'demo__other.g', 'demo__services.names']
    assert (origin, origin_id, queue, mode, trace) == ('authLink', 'auln-x', 3, 'async', 'TRACE-1')


def test_chains_have_an_end(ask, script):
    chain = [f'demo__other.f{i}' for i in range(5)]
    fails(ask, 'FuncChainTooLongException', 'func.start', **{**CALL, 'chain': chain})
    assert ask('func.start', **{**CALL, 'chain': chain[1:]})
    message = fails(ask, 'DuplicationException', 'func.start',
                    **{**CALL, 'chain': ['demo__services.names']})
    assert 'demo__services.names' in message


@pytest.mark.parametrize('change,error,text', [
    ({'funcId': 'demo__services.nothing'}, 'NotFoundException', 'demo__services.nothing'),
    ({'funcId': 'demo__nothing.f'}, 'NotFoundException', 'demo__nothing.f'),
    ({'funcId': 'no id'}, 'InvalidOptionException', 'no id'),
    ({'origin': 'moon'}, 'InvalidOptionException', 'moon'),
    ({'queue': 10}, 'InvalidOptionException', '0 to 9'),
    ({'kwargs': []}, 'InvalidOptionException', 'an object'),
    ({'chain': ['x y']}, 'InvalidOptionException', 'chain'),
    ({'chain': [1]}, 'InvalidOptionException', 'chain'),
    ({'rootTaskId': 'a b'}, 'InvalidOptionException', 'root'),
    ({'traceId': 'a"b'}, 'InvalidOptionException', 'trace'),
])
def test_a_function_that_cannot_be_started_says_why(ask, script, change, error, text):
    assert text in fails(ask, error, 'func.start', **{**CALL, **change})


def test_a_full_queue_takes_no_more(make_node, tmp_path):
    node = make_node(_WORKER_QUEUE_LIMIT=2, _WORKER_GROUPS='0-2;4-9')     # nobody serves queue 3
    node.start()
    path = tmp_path / 'names.py'
    path.write_text(SCRIPT)
    node.publish(path, 'demo__services')
    with Services(node) as ask:
        tasks = [ask('func.start', **CALL) for _ in range(2)]
        assert len(set(tasks)) == 2
        assert '_WORKER_QUEUE_LIMIT' in fails(ask, 'DataFluxFuncBaseException', 'func.start', **CALL)
        assert node.redis('LLEN', 'dff:queue:3') == 2
