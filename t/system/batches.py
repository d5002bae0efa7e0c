"""Batches of a node, for tests that need one."""


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
