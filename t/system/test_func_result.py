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
