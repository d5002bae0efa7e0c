"""Auth links, batches, crontab configs, API auths and env variables through the API."""

import base64
import json
import time

import pytest

from api import Api, bad, good
from node import wait_until


@pytest.fixture
def clean(admin):
    """Removes what a test has made."""
    made = []
    yield made
    for base, identity in reversed(made):
        admin.get(f'/api/v1/{base}/{identity}/do/delete')


def add(admin, clean, base, **data):
    identity = admin.add(base, **data)
    clean.append((base, identity))
    return identity


def test_a_link_can_be_called_at_once(node, admin, clean):
    answer = good(admin.post('/api/v1/auth-links/do/add', {'data': {
        'funcId': 't__basic.plus', 'funcCallKwargsJSON': {'x': 'INPUT_BY_CALLER', 'y': 20},
        'tagsJSON': ['b', 'a', 'b'], 'note': 'from a test'}}))['data']
    clean.append(('auth-links', answer['id']))
    assert answer['url'] == '/api/v1/al/' + answer['id']
    assert answer['id'].startswith('auln-') and len(answer['id']) == 17
    assert node.call(answer['id'], x=1).json == 21

    [row] = admin.list('auth-links', id=answer['id'])
    assert row['tagsJSON'] == ['a', 'b'] and row['origin'] == 'API' and row['isDisabled'] is False
    assert row['func_title'] and row['scpt_id'] == 't__basic' and row['sset_id'] == 't'
    assert row['funcCallKwargsJSON'] == {'x': 'INPUT_BY_CALLER', 'y': 20}
    assert row['apia_id'] is None and row['expireTime'] is None
    assert len(row['recentRunningCount']) == 7 and set(row['recentRunningCost']) == {
        'samples', 'min', 'max', 'avg', 'mid', 'p75', 'p95', 'p99'}
    assert row['recentRunningStatus']['total'] in (0, 1)


def test_a_change_is_live_within_100_ms(node, admin, clean):
    link = add(admin, clean, 'auth-links', funcId='t__basic.plus',
               funcCallKwargsJSON={'x': 1, 'y': 1})
    assert node.call(link).json == 2
    admin.modify('auth-links', link, funcCallKwargsJSON={'x': 1, 'y': 2})
    wait_until(lambda: node.call(link).json == 3, 0.1, 'the new arguments')
    admin.modify('auth-links', link, isDisabled=True)
    wait_until(lambda: node.call(link).status == 403, 0.1, 'the disabled link')
    admin.modify('auth-links', link, isDisabled=False, expireTime='2021-01-01T00:00:00Z')
    wait_until(lambda: node.call(link).json.get('reason') == 'EBizCondition.AuthLinkExpired',
               0.1, 'the expired link')
    [row] = admin.list('auth-links', id=link)
    assert row['expireTime'] == '2021-01-01T00:00:00.000Z'
    admin.delete('auth-links', link)
    wait_until(lambda: node.call(link).status == 404, 0.1, 'the deleted link')


def test_arguments_keep_their_order_and_their_digits(admin, clean, node):
    body = (b'{"data":{"funcId":"t__basic.plus","funcCallKwargsJSON":'
            b'{"z":0.1,"a":123456789012345678901234567890,"m":1e400}}}')
    answer = admin.post('/api/v1/auth-links/do/add', body, {'Content-Type': 'application/json'})
    identity = good(answer)['data']['id']
    clean.append(('auth-links', identity))
    raw = admin.get('/api/v1/auth-links/do/list', id=identity).text
    assert '"funcCallKwargsJSON":{"z":0.1,"a":123456789012345678901234567890,"m":1e400}' in raw


def test_throttling_api_auth_and_origin(node, admin, clean):
    auth = add(admin, clean, 'api-auth', type='httpBasic', name='basic', configJSON={
        'users': [{'username': 'bob', 'password': 'pw-of-bob'}], 'fields': None, 'funcId': None})
    answer = good(admin.post('/api/v1/auth-links/do/add', {'data': {
        'id': 'auln-api-test', 'funcId': 't__basic.plus', 'funcCallKwargsJSON': {'x': 1, 'y': 2},
        'apiAuthId': auth, 'throttlingJSON': {'byYear': 100, 'byDay': None}}},
        {'X-Dff-Origin': 'DFF-UI'}))['data']
    clean.append(('auth-links', answer['id']))
    assert answer['id'] == 'auln-api-test'
    assert node.call('auln-api-test').status == 401
    basic = base64.b64encode(b'bob:pw-of-bob').decode()
    assert node.get('/api/v1/al/auln-api-test', headers={'Authorization': 'Basic ' + basic}).json \
        == 3
    [row] = admin.list('auth-links', origin='UI')
    assert (row['apia_id'], row['apia_type']) == (auth, 'httpBasic')
    assert row['throttlingJSON'] == {'byYear': 100, 'byDay': None}

    value = bad(admin.get(f'/api/v1/api-auth/{auth}/do/delete'), 'EBizCondition', 403)
    assert value['detail'] == {'links': 1}
    raw = admin.get('/api/v1/api-auth/do/list', id=auth).text
    assert 'bob' in raw and 'pw-of-bob' not in raw and 'ipher' not in raw

    # users without a password keep theirs, others are removed
    admin.modify('api-auth', auth, configJSON={'users': [{'username': 'bob'}]})
    wait_until(lambda: node.get('/api/v1/al/auln-api-test', headers={
        'Authorization': 'Basic ' + basic}).json == 3, 0.1)
    admin.modify('api-auth', auth, configJSON={'users': [{'username': 'al', 'password': 'x'}]})
    wait_until(lambda: node.get('/api/v1/al/auln-api-test', headers={
        'Authorization': 'Basic ' + basic}).status == 401, 0.1)
    admin.modify('api-auth', auth, note='only the note')


@pytest.mark.parametrize('change, reason, text', [
    ({'funcId': 't__basic.nothing'}, 'EClientNotFound', 'func'),
    ({'funcId': 'no func'}, 'EClientBadRequest', 'data.funcId'),
    ({'funcId': None}, 'EClientBadRequest', 'data.funcId'),
    ({'funcCallKwargsJSON': []}, 'EClientBadRequest', 'funcCallKwargsJSON'),
    ({'apiAuthId': 'apia-none'}, 'EClientNotFound', 'API auth'),
    ({'id': '../x'}, 'EClientBadRequest', 'data.id'),
    ({'id': 'x' * 65}, 'EClientBadRequest', 'data.id'),
    ({'tagsJSON': 'a'}, 'EClientBadRequest', 'tagsJSON'),
    ({'tagsJSON': [1]}, 'EClientBadRequest', 'tagsJSON[0]'),
    ({'tagsJSON': ['']}, 'EClientBadRequest', 'tagsJSON[0]'),
    ({'expireTime': 'tomorrow'}, 'EClientBadRequest', 'expireTime'),
    ({'expireTime': '2040-01-01T00:00:00Z'}, 'EClientBadRequest', 'expireTime'),
    ({'throttlingJSON': {'bySecond': 0}}, 'EClientBadRequest', 'bySecond'),
    ({'throttlingJSON': {'byWeek': 1}}, 'EClientBadRequest', 'byWeek'),
    ({'isDisabled': 1}, 'EClientBadRequest', 'isDisabled'),
    ({'isDisabled': None}, 'EClientBadRequest', 'isDisabled'),
    ({'origin': 'other'}, 'EClientBadRequest', 'origin'),
    ({'note': 'x' * 20000}, 'EClientBadRequest', 'note'),
    ({'seq': 1}, 'EClientBadRequest', 'seq'),
    ({'passwordHash': 'x'}, 'EClientBadRequest', 'passwordHash'),
])
def test_what_a_link_must_not_be(admin, change, reason, text):
    data = {'funcId': 't__basic.plus', 'funcCallKwargsJSON': {}, **change}
    value = bad(admin.post('/api/v1/auth-links/do/add', {'data': data}), reason)
    assert text in value['message'] or text in json.dumps(value.get('detail'))


def test_an_id_twice_and_one_that_is_not_there(admin, clean):
    link = add(admin, clean, 'auth-links', funcId='t__basic.plus', funcCallKwargsJSON=None)
    value = bad(admin.post('/api/v1/auth-links/do/add', {'data': {
        'id': link, 'funcId': 't__basic.plus', 'funcCallKwargsJSON': {}}}), 'EClientDuplicated',
        409)
    assert value['detail'] == {'key': 'ID'}
    for path in ('do/modify', 'do/delete'):
        value = bad(admin.post(f'/api/v1/auth-links/auln-none/{path}', {'data': {}}),
                    'EClientNotFound', 404)
        assert value['detail'] == {'entity': 'auth link', 'id': 'auln-none'}


def test_an_absent_key_is_unchanged_and_null_is_null(admin, clean):
    link = add(admin, clean, 'auth-links', funcId='t__basic.plus', funcCallKwargsJSON={'a': 1},
               note='n', tagsJSON=['t'])
    assert admin.modify('auth-links', link)['id'] == link
    admin.modify('auth-links', link, note=None)
    [row] = admin.list('auth-links', id=link)
    assert row['note'] is None and row['tagsJSON'] == ['t']
    admin.modify('auth-links', link, tagsJSON=None, funcCallKwargsJSON=None)
    [row] = admin.list('auth-links', id=link)
    assert row['tagsJSON'] is None and row['funcCallKwargsJSON'] == {}


def test_many_are_added_modified_and_deleted_as_one(node, admin):
    rows = [{'id': f'auln-many-{n}', 'funcId': 't__basic.plus', 'tagsJSON': ['many-test'],
             'funcCallKwargsJSON': {'x': n, 'y': 1}} for n in range(3)]
    bad(admin.post('/api/v1/auth-links/do/add-many',
                   {'data': rows + [dict(rows[0])]}), 'EClientDuplicated', 409)
    assert admin.list('auth-links', tags='many-test') == []

    ids = good(admin.post('/api/v1/auth-links/do/add-many', {'data': rows}))['data']['ids']
    assert ids == [row['id'] for row in rows]
    assert [node.call(i).json for i in ids] == [1, 2, 3]

    bad(admin.post('/api/v1/auth-links/do/modify-many', {'data': {'note': 'x'}}),
        'EBizCondition.DeleteConditionNotSpecified', 403)
    bad(admin.get('/api/v1/auth-links/do/delete-many'),
        'EBizCondition.DeleteConditionNotSpecified', 403)
    bad(admin.post('/api/v1/auth-links/do/modify-many?tags=many-test',
                   {'data': {'expireTime': None}}), 'EClientBadRequest', 400)

    answer = good(admin.post('/api/v1/auth-links/do/modify-many?tags=many-test',
                             {'data': {'funcCallKwargsJSON': {'y': 10}, 'note': 'all'}}))
    assert sorted(answer['data']['ids']) == ids
    wait_until(lambda: [node.call(i).json for i in ids] == [10, 11, 12], 0.2)
    assert {row['note'] for row in admin.list('auth-links', tags='many-test')} == {'all'}

    answer = good(admin.get('/api/v1/auth-links/do/delete-many', id=','.join(ids[:2])))
    assert sorted(answer['data']['ids']) == ids[:2]
    assert [row['id'] for row in admin.list('auth-links', tags='many-test')] == ids[2:]
    good(admin.get('/api/v1/auth-links/do/delete-many', tags='many-test'))
    wait_until(lambda: node.call(ids[2]).status == 404, 0.2)


def test_lists_filter_sort_page_and_pick(admin, clean):
    for n in range(5):
        add(admin, clean, 'batches', id=f'bat-list-{n}', funcId='t__basic.plus',
            funcCallKwargsJSON={'n': n}, tagsJSON=['list-test', f'n{n}'],
            note=f'Note 50%_{n} \\ "\'')
    mine = {'tags': 'list-test'}

    def ids(**query):
        return [row['id'][-1] for row in admin.list('batches', **mine, **query)]

    assert ids() == list('43210') and ids(sort='seq') == list('01234')
    assert ids(orderBy='seq', orderMethod='asc') == list('01234')
    assert ids(sort='-funcId,seq', orderBy='seq', orderMethod='desc') == list('01234')
    assert ids(id='bat-list-1 , bat-list-3') == list('31')
    assert ids(id='') == [] and ids(id='BAT-LIST-1') == []
    assert ids(origin='API,UI') == list('43210') and ids(origin='UI') == []
    assert ids(func_scriptSetId='t', func_scriptId='t__basic') == list('43210')
    assert ids(_fuzzySearch='50%_3') == ['3'] and ids(_fuzzySearch='NOTE 50%_3') == ['3']
    assert ids(_fuzzySearch='%') == list('43210') and ids(_fuzzySearch='_') == list('43210')
    assert ids(_fuzzySearch="' OR 1=1 -- ") == [] and ids(_fuzzySearch='\\ "\'') == list('43210')
    assert admin.list('batches', tags='list-test,n2')[0]['id'] == 'bat-list-2'

    answer = good(admin.get('/api/v1/batches/do/list', pageSize=2, pageNumber=2, **mine))
    assert [row['id'][-1] for row in answer['data']] == list('21')
    assert answer['pageInfo'] == {
        'pagingStyle': 'normal', 'pageSize': 2, 'count': 2, 'totalCount': 5, 'pageNumber': 2,
        'pageCount': 3, 'isFirstPage': False}
    answer = good(admin.get('/api/v1/batches/do/list', headers={'Cookie': 'a=b; xDFFPageSize=3'},
                            **mine))
    assert answer['pageInfo']['pageSize'] == 3

    assert list(admin.list('batches', fields='id,note,nothing', **mine)[0]) == ['id', 'note']
    assert 'note' not in admin.list('batches', fields='-note,id', **mine)[0]
    assert 'note' not in admin.list('batches', fields='-,note', **mine)[0]
    assert list(admin.list('batches', fieldPicking='seq', **mine)[0]) == ['seq']
    assert 'seq' not in admin.list('batches', fieldKicking='seq', **mine)[0]
    row = admin.list('batches', _withTaskInfoCount='true', **mine)[0]
    assert row['taskInfoCount'] == 0
    assert 'taskInfoCount' not in admin.list('batches', **mine)[0]


@pytest.mark.parametrize('fields, wanted', [
    ('id,note', {'id', 'note'}), ('recentRunningCost', {'recentRunningCost'}),
])
def test_what_is_no_column_is_picked_like_one(admin, fields, wanted):
    rows = admin.list('auth-links', fields=fields)
    assert rows and all(set(row) == wanted for row in rows)
    for row in admin.list('auth-links', fields=f'-{fields}'):
        assert not wanted & set(row) and 'recentRunningCount' in row


@pytest.mark.parametrize('query', [
    'pageSize=0', 'pageSize=101', 'pageSize=x', 'pageNumber=0', 'pageMarker=1', 'nothing=1',
    'sort=nothing', 'sort=id%20DESC', 'orderBy=1', 'orderMethod=up', 'id=a&id=b',
    'origin=other', 'isDisabled=true', '_withTaskInfoCount=maybe', 'pageNumber=100000',
    'fields=%00', 'a=%zz', 'sort=seq;drop'])
def test_what_a_list_must_not_be_asked(admin, query):
    bad(admin.get('/api/v1/batches/do/list?' + query), 'EClientBadRequest', 400)


def test_lists_as_files(admin, clean):
    add(admin, clean, 'env-variables', id='csv_test', title='=1+1', valueTEXT='a"b,\nc 中',
        description=None)
    answer = admin.get('/api/v1/env-variables/do/list', id='csv_test', export='csv',
                       fields='id,title,valueTEXT')
    assert answer.headers['content-type'] == 'text/csv; charset=utf-8'
    assert 'list.csv' in answer.headers['content-disposition']
    lines = answer.body.decode()
    assert '"csv_test"' in lines and '"a""b,\nc 中"' in lines and '"\'=1+1"' in lines
    answer = admin.get('/api/v1/env-variables/do/list', id='csv_test', export='csv',
                       charset='gbk')
    assert '中' in answer.body.decode('gbk')
    answer = admin.get('/api/v1/env-variables/do/list', id='csv_test', export='json')
    [row] = json.loads(answer.body)
    assert row['valueTEXT'] == 'a"b,\nc 中'
    assert 'list.json' in answer.headers['content-disposition']


def test_a_batch_runs(node, admin, clean):
    batch = add(admin, clean, 'batches', funcId='t__basic.plus',
                funcCallKwargsJSON={'x': 1, 'y': 2})
    answer = node.post(f'/api/v1/bat/{batch}', {'kwargs': {}})
    assert answer.status == 200 and answer.json['taskId'].startswith('task-')
    admin.modify('batches', batch, isDisabled=True)
    wait_until(lambda: node.post(f'/api/v1/bat/{batch}', {}).status == 403, 0.1)


def test_crontab_configs(admin, clean):
    made = add(admin, clean, 'crontab-configs', funcId='t__basic.plus',
               funcCallKwargsJSON={'x': 1, 'y': 2}, crontab='*/5 1-3 * * 1,2')
    assert made.startswith('cron-')
    [row] = admin.list('crontab-configs', id=made)
    assert (row['crontab'], row['scope'], row['saveResult'], row['configMD5']) == (
        '*/5 1-3 * * 1,2', 'GLOBAL', False, None)
    assert 'func_kwargsJSON' not in row and 'func_tagsJSON' in row
    admin.modify('crontab-configs', made, crontab=None, scope='mine')
    [row] = admin.list('crontab-configs', scope='mine')
    assert row['crontab'] is None
    for wrong in ('', 'x', '* * * *', '* * * * * *', '61 * * * *', '@daily', "' OR 1"):
        value = bad(admin.post(f'/api/v1/crontab-configs/{made}/do/modify',
                               {'data': {'crontab': wrong}}),
                    'EClientBadRequest.InvalidCronTabExpression', 400)
        assert value['detail'] == {'crontab': wrong}
    bad(admin.post(f'/api/v1/crontab-configs/{made}/do/modify', {'data': {'scope': None}}),
        'EClientBadRequest')
    bad(admin.post(f'/api/v1/crontab-configs/{made}/do/modify', {'data': {'origin': 'UI'}}),
        'EClientBadRequest')


def test_env_variables(admin, clean):
    add(admin, clean, 'env-variables', id='env_test')
    [row] = admin.list('env-variables', id='env_test')
    assert (row['valueTEXT'], row['autoTypeCasting']) == ('', 'string')
    admin.modify('env-variables', 'env_test', valueTEXT='1', autoTypeCasting='integer')
    bad(admin.post('/api/v1/env-variables/do/add', {'data': {'id': 'env_test'}}),
        'EBizCondition.DuplicatedEnvVariableID', 403)
    for wrong in ({'id': '1x'}, {'id': 'a-b'}, {'id': ''}, {'id': None}, {},
                  {'id': 'y', 'valueTEXT': None}, {'id': 'y', 'autoTypeCasting': 'int'}):
        bad(admin.post('/api/v1/env-variables/do/add', {'data': wrong}), 'EClientBadRequest', 400)


@pytest.mark.parametrize('data, text', [
    ({'type': 'other', 'configJSON': {}}, 'type'),
    ({'type': 'httpBasic'}, 'configJSON'),
    ({'type': 'httpBasic', 'configJSON': {}}, 'users'),
    ({'type': 'httpBasic', 'configJSON': {'users': []}}, 'users'),
    ({'type': 'httpBasic', 'configJSON': {'users': [{'username': 'a'}]}}, 'password'),
    ({'type': 'httpBasic', 'configJSON': {'users': [{'username': 'a:b', 'password': 'x'}]}},
     'username'),
    ({'type': 'fixedField', 'configJSON': {'fields': [{'location': 'cookie', 'name': 'a',
                                                        'value': 'b'}]}}, 'location'),
    ({'type': 'fixedField', 'configJSON': {'users': [{'username': 'a', 'password': 'b'}]}},
     'users'),
    ({'type': 'func', 'configJSON': {'funcId': 'x'}}, 'func'),
    ({'type': 'func', 'configJSON': {'funcId': 't__auth.nothing'}}, 'func'),
    ({'type': 'func', 'configJSON': {'passwordCipher': 'x'}}, 'passwordCipher'),
])
def test_what_an_api_auth_must_not_be(admin, data, text):
    answer = admin.post('/api/v1/api-auth/do/add', {'data': data})
    assert answer.status in (400, 404), answer
    assert text in answer.json['message'] or text in json.dumps(answer.json.get('detail'))


def test_secrets_of_an_api_auth_are_nowhere(node, admin, clean):
    secret = 'fixed-value-' + str(time.time())
    add(admin, clean, 'api-auth', type='fixedField', configJSON={'fields': [
        {'location': 'header', 'name': 'X-Token', 'value': secret}]})
    answer = admin.post('/api/v1/api-auth/do/add', {'data': {'type': 'fixedField', 'configJSON': {
        'fields': [{'location': 'nowhere', 'name': 'X', 'value': secret}]}}})
    assert answer.status == 400 and secret not in answer.text
    assert secret not in admin.get('/api/v1/api-auth/do/list').text
    assert secret not in admin.get('/api/v1/operation-records/do/list', pageSize=100).text
    assert secret not in node.log_text()


def test_operations_are_recorded_with_their_secrets_hidden(admin, clean):
    user = add(admin, clean, 'users', username='recorded', password='recorded-password',
               name='R', roles=['user'])
    [row] = admin.list('operation-records', reqRoute='/api/v1/users/do/add', pageSize=1)
    assert row['userId'] == 'u-admin' and row['respStatusCode'] == 200
    assert row['reqBodyJSON']['data']['password'] == '***'
    assert row['_operationEntityId'] == user and row['_operationDescribe'] == 'Add a user'
    assert row['clientIPsJSON'] == ['127.0.0.1'] and row['reqMethod'] == 'POST'
    bad(admin.get('/api/v1/users/u-none/do/delete'), 'EClientNotFound')
    row = admin.list('operation-records', pageSize=1)[0]
    assert (row['reqRoute'], row['respStatusCode'], row['_operationEntityId']) == (
        '/api/v1/users/:id/do/delete', 404, 'u-none')
    assert row['respBodyJSON']['reason'] == 'EClientNotFound'
    assert 'recorded-password' not in admin.get('/api/v1/operation-records/do/list',
                                                pageSize=100).text


@pytest.mark.parametrize('base', [
    'script-logs', 'script-failures', 'crontab-task-info', 'batch-task-info',
    'script-publish-history', 'script-set-export-history', 'script-set-import-history',
    'dataflux-func-task-results', 'func-stores', 'operation-records', 'api-auth',
    'env-variables', 'users', 'access-keys', 'system-configs'])
def test_every_list_answers_and_needs_a_sign_in(node, admin, base):
    answer = good(admin.get(f'/api/v1/{base}/do/list'))
    assert isinstance(answer['data'], list)
    if base != 'system-configs':
        good(admin.get(f'/api/v1/{base}/do/list', _fuzzySearch="x'\"\\%_"))
    bad(Api(node).get(f'/api/v1/{base}/do/list'), 'EUserAuth', 401)


def test_published_versions_are_listed(admin):
    rows = admin.list('script-publish-history', scriptId='t__basic', pageSize=1)
    assert rows[0]['scriptSetId'] == 't' and rows[0]['scpt_id'] == 't__basic'
    assert 'scriptCode_cache' not in rows[0]
    assert admin.list('script-publish-history', _fuzzySearch='def plus', fields='scriptId')


def test_lists_with_markers(node, admin):
    node.mysql_own = None
    answer = good(admin.get('/api/v1/dataflux-func-task-results/do/list', pageSize=2))
    assert answer['pageInfo']['pagingStyle'] == 'marker'
    assert answer['pageInfo']['isFirstPage'] is True
    bad(admin.get('/api/v1/dataflux-func-task-results/do/list', pageNumber=1),
        'EClientBadRequest')
    bad(admin.get('/api/v1/dataflux-func-task-results/task-none/do/get'), 'EClientNotFound')
