"""func-result: what it says of a task in each of its states."""

import pytest

from node import wait_until


def ask(node, task, **query):
    return node.get('/api/v1/func-result', taskId=task, **query)


def test_a_kept_success_has_result_and_times(node):
    answer = node.call('auln-echo', {'saveResult': True, 'unfold': False}, x=[1, None])
    assert answer.json['resultURL'] == '/api/v1/func-result?taskId=' + answer.json['taskId']

    told = wait_until(lambda: (r := node.get(answer.json['resultURL'])).status == 200 and r, 3)
    data = told.json['data']
    assert data['status'] == 'success' and data['result'] == {'x': [1, None]}
    assert data['startTime'] <= data['endTime']


@pytest.mark.parametrize('value, text, kind', [
    (0, '0', 'application/json'), (None, 'null', 'application/json'), ('', '', 'text/plain'),
    ('a', 'a', 'text/plain'), ([], '[]', 'application/json'),
])
def test_unfolded_it_is_the_result_alone(node, value, text, kind):
    answer = node.call('auln-same', {'saveResult': True, 'unfold': False}, value=value)
    task = answer.json['taskId']
    told = wait_until(lambda: (r := ask(node, task, unfold='true')).status == 200 and r, 3)
    assert told.text == text
    assert told.headers['content-type'] == f'{kind}; charset=utf-8'


@pytest.mark.parametrize('word, alone', [
    ('true', True), ('TRUE', True), ('1', True), ('yes', True), ('on', True), ('ok', True),
    ('false', False), ('0', False), ('no', False), ('off', False), ('x', False), ('-1', False),
])
def test_unfold_is_a_boolean_of_any_kind(node, word, alone):
    task = node.call('auln-same', {'saveResult': True}, value=[1]).headers['x-dff-task-id']
    told = wait_until(lambda: (r := ask(node, task, unfold=word)).status == 200 and r, 3)
    assert told.json == [1] if alone else told.json['data']['result'] == [1]


@pytest.mark.parametrize('word', ['', 'tru', 'truely', 'y e s', '1x', '\u00e9'])
def test_unfold_that_is_no_boolean_is_refused(node, word):
    told = ask(node, 'task-0000000000000000000000', unfold=word)
    assert told.status == 400 and told.json['error'] == 400.43
    assert told.json['message'] == 'Query field "unfold" must be a boolean, such as "true"'


@pytest.mark.parametrize('value, dumped', [
    ({'a': [1, '\u00e9', None]}, '{"a":[1,"\u00e9",null]}'), ('x"', '"x\\""'), (0, '0'),
])
def test_return_type_raw_and_json_dumps_of_a_kept_result(node, value, dumped):
    task = node.call('auln-same', {'saveResult': True}, value=value).headers['x-dff-task-id']
    told = wait_until(lambda: (r := ask(node, task, returnType='raw')).status == 200 and r, 3)
    assert told.json['data']['result'] == value
    assert ask(node, task, returnType='jsonDumps').json['data']['result'] == dumped
    unfolded = ask(node, task, returnType='jsonDumps', unfold='true')
    assert unfolded.text == dumped and unfolded.headers['content-type'].startswith('text/plain')


@pytest.mark.parametrize('word', ['repr', 'ALL', 'xml', ''])
def test_a_return_type_that_a_kept_result_does_not_have_is_refused(node, word):
    told = ask(node, 'task-0000000000000000000000', returnType=word)
    assert told.status == 400 and told.json['error'] == 400.43
    assert told.json['message'] == ('Query field "returnType" must be "raw" or "jsonDumps"; other '
                                    'forms are asked for by the option of the call')


def test_a_kept_failure_has_status_and_the_error(node):
    node.allow('ValueError')
    answer = node.call('auln-boom', {'saveResult': True}, text='kept')
    task = answer.json['detail']['id']

    told = wait_until(lambda: (r := ask(node, task)).status == 200 and r, 3)
    data = told.json['data']
    assert data['status'] == 'failure' and data['error'] == 599.3
    assert data['reason'] == 'EFuncFailed'
    assert 'ValueError: kept' in str(data)


def test_what_was_not_kept_or_never_was_is_404(node):
    answer = node.call('auln-ok', {'unfold': False})
    task = answer.headers['x-dff-task-id']
    for unknown in (task, 'task-0000000000000000000000', 'x', '', '%00', 'a' * 5000):
        told = ask(node, unknown)
        assert told.status in (400, 404), unknown
        assert told.json['reason'] in ('EClientNotFound', 'EClientBadRequest')
    assert ask(node, task).json['error'] == 404.41


def test_a_kept_result_that_cannot_be_read_is_599_40(node):
    task = 'task-0123456789abcdefABCDEF'
    for content in ('', 'x', 'DFR1 2 0 0\n{}', 'DFR1 99999999999999 0 0\n'):
        node.redis('SET', f'dff:result:{task}', content, 'EX', '60')
        told = ask(node, task)
        assert told.status == 599 and told.json['error'] == 599.4
        assert told.json['reason'] == 'EFuncResultParsingFailed'
    node.redis('DEL', f'dff:result:{task}')


# --- results that Redis has forgotten ---------------------------------------------------------


def saved(node, link, unfold=False, **kwargs):
    """A task with saveResult that Redis knows no more, and what was told of it before."""
    task = node.call(link, {'saveResult': True}, **kwargs).headers['x-dff-task-id']
    query = {'unfold': 'true'} if unfold else {}
    before = wait_until(lambda: (r := ask(node, task, **query)).status != 404 and r, 5)
    wait_until(lambda: node.sql(f"SELECT id FROM task_result WHERE id = '{task}'"), 10, 'the row')
    node.redis('DEL', f'dff:result:{task}')
    return task, before, ask(node, task, **query)


@pytest.mark.parametrize('unfold', [False, True])
@pytest.mark.parametrize('link, kwargs', [
    ('auln-same', {'value': {'a': [1, '\u00e9', None], 'n': 12345678901234567890}}),
    ('auln-same', {'value': 'text "quoted"'}),
    ('auln-same', {'value': ''}),
    ('auln-respond', {'data': '<p>', 'status_code': 201, 'headers': {'X-Of-Func': 'a'}}),
    ('auln-respond-bytes', {}),
    ('auln-boom', {'text': 'forgotten'}),
])
def test_a_saved_result_is_told_as_before_when_redis_has_forgotten_it(node, link, kwargs, unfold):
    node.allow('t__basic')
    task, before, after = saved(node, link, unfold, **kwargs)
    assert after.status == before.status
    assert after.headers['x-trace-id'] != before.headers['x-trace-id']
    assert after.headers['x-dff-task-id'] == task
    for name in ('content-type', 'x-of-func'):
        assert after.headers.get(name) == before.headers.get(name)
    if unfold and before.status < 300:
        assert after.body == before.body
    else:
        for key in ('data', 'error', 'reason', 'detail'):
            assert after.json.get(key) == before.json.get(key)


def test_a_caller_keeps_its_trace_id_on_the_way_to_mysql_and_back(node):
    task = saved(node, 'auln-same', value=1)[0]
    node.redis('DEL', f'dff:result:{task}')
    told = node.get('/api/v1/func-result', taskId=task, headers={'X-Trace-Id': 'my-trace'})
    assert told.status == 200 and told.json['traceId'] == 'my-trace'
    lines = [line for line in node.log_text().splitlines() if 'my-trace' in line]
    assert sum('[REQUEST] ' in line for line in lines) == 1
    assert sum('[API] GET /api/v1/func-result' in line for line in lines) == 1


def test_what_nobody_knows_is_404_as_ever(node):
    told = ask(node, 'task-0000000000000000000000')
    assert told.status == 404 and told.json['error'] == 404.41
    assert told.json['message'] == 'No such task, or its result has expired'
    assert told.json['reqDump']['url'].startswith('/api/v1/func-result?taskId=')


def test_the_api_processes_are_away(make_node):
    node = make_node()
    node.start()
    node.publish_fixtures()
    node.stop('executor')
    node.allow('dff_saved_results', 'api.sock')
    told = ask(node, 'task-0000000000000000000000')
    assert told.status == 503 and told.json['ok'] is False
    node.start('executor')


def test_without_the_directive_redis_alone_counts(make_node):
    node = make_node()
    conf = node.install / 'nginx/nginx.conf'
    conf.write_text(conf.read_text().replace('dff_saved_results @dff_saved_results;', ''))
    node.start()
    node.publish_fixtures()
    node.stop('executor')
    assert ask(node, 'task-0000000000000000000000').status == 404
    node.start('executor')
