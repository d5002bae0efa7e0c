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
