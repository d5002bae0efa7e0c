"""Batches of a node, for tests that need one."""

import json


def add_batch(node, batch, func_id):
    (node.mysql_of or node).mysql(
        f"USE {node.setting('MYSQL_DATABASE')}; INSERT INTO batch (id, funcId, funcCallKwargsJSON)"
        f" VALUES ('{batch}', '{func_id}', '{{}}')")
    node.ctl('db', 'publish-all')


def call_batch(node, batch, options=None, **kwargs):
    return node.post(f'/api/v1/bat/{batch}', {'kwargs': kwargs, 'options': options or {}})


def result_of(node, task):
    return node.get(f'/api/v1/func-result?taskId={task}')


def data_of(node, task):
    return result_of(node, task).json['data']


def batch_to(node, link, **kwargs):
    """The task of a call through a batch to the function of an auth link."""
    route = json.loads(node.redis('GET', f'dff:route:al:{link}'))
    bat = link.replace('auln-', 'bat-r-')
    route.update({'id': bat, 'kind': 'bat'})
    node.redis('SET', f'dff:route:bat:{bat}', json.dumps(route))
    answer = node.request('POST', f'/api/v1/bat/{bat}', json.dumps({'kwargs': kwargs}).encode(),
                          {'Content-Type': 'application/json'})
    assert answer.status == 200, answer
    return answer.json['taskId']
