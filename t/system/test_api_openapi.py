"""The OpenAPI document, and every route of it: good and bad input, who may use it."""

import json
import re

import pytest

from api import Api, administrator, bad, good, signed_in
from node import wait_until
from openapi import fits

# GETs that need what this walk does not have, or have their own tests.
NOT_WALKED = {'/api/v1/captcha/do/get', '/api/v1/auth/do/sign-out'}
# What may answer with something else than the envelope.
NAMES = {'id': 'none-here', 'funcId': 'none__here.x', 'scope': 's', 'key': 'k', 'path': 'p'}


@pytest.fixture(scope='module')
def document(admin):
    answer = admin.get('/api/v1/openapi.json')
    assert answer.status == 200 and answer.headers['content-type'].startswith('application/json')
    return answer.json


@pytest.fixture(scope='module')
def roles(session_node, admin):
    """A client for each role."""
    clients, made = {}, []
    for role in ('admin', 'user', 'readonlyUser', 'customUser'):
        made.append(admin.add('users', username=f'walk-{role}', password='pw', name=role,
                              roles=[role]))
        clients[role] = signed_in(session_node, f'walk-{role}', 'pw')
    yield clients
    for identity in made:
        admin.delete('users', identity)


def operations(document):
    for path, methods in document['paths'].items():
        for method, operation in methods.items():
            if not path.startswith('/api/v1/al/'):
                yield method.upper(), path, operation


def filled(path):
    return re.sub(r'\{(\w+)\}', lambda m: NAMES[m.group(1)], path)


def schemas(value):
    """Every schema in a part of the document."""
    if isinstance(value, dict):
        if 'properties' in value or isinstance(value.get('type'), (str, list)):
            yield value
        for inner in value.values():
            yield from schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from schemas(inner)


def test_the_document_is_one(document):
    assert document['openapi'] == '3.1.0' and document['info']['version']
    ids = [op['operationId'] for ms in document['paths'].values() for op in ms.values()]
    assert len(ids) == len(set(ids)) and len(ids) > 80
    for method, path, operation in operations(document):
        where = f'{method} {path}'
        assert path.startswith('/api/v1/') and method in ('GET', 'POST'), where
        assert operation['summary'] and operation['responses']['200']['description'], where
        assert 'default' in operation['responses'], where
        names = [p['name'] for p in operation['parameters'] if p['in'] == 'path']
        assert names == re.findall(r'\{(\w+)\}', path), where
        keys = [(p['in'], p['name']) for p in operation['parameters']]
        assert len(keys) == len(set(keys)), where
        for parameter in operation['parameters']:
            assert parameter['schema'], where
        for schema in schemas(operation):
            assert set(schema.get('required', ())) <= set(schema.get('properties', ())), where
            kinds = schema.get('type', [])
            for kind in [kinds] if isinstance(kinds, str) else kinds:
                assert kind in ('string', 'integer', 'number', 'boolean', 'object', 'array',
                                'null'), where
    assert document['components']['schemas']['Failure']['required']


def test_who_has_not_signed_in_sees_no_routes(node, document):
    public = good_document(Api(node).get('/api/v1/openapi.json'))
    assert all(path.startswith('/api/v1/al/') for path in public['paths'])


def good_document(answer):
    assert answer.status == 200
    return answer.json


def test_a_documented_link_has_its_arguments(node, admin):
    link = admin.add('auth-links', funcId='t__basic.plus', showInDoc=True,
                     funcCallKwargsJSON={'x': 'INPUT_BY_CALLER', 'y': 5})
    hidden = admin.add('auth-links', funcId='t__basic.plus', funcCallKwargsJSON={})
    try:
        document = good_document(Api(node).get('/api/v1/openapi.json'))
        operation = document['paths'][f'/api/v1/al/{link}']['post']
        assert f'/api/v1/al/{hidden}' not in document['paths']
        content = operation['requestBody']['content']['application/json']
        kwargs = content['schema']['properties']['kwargs']
        assert list(kwargs['properties']) == ['x']      # y is fixed
        assert operation['summary'] and operation['security'] == []
        example = content['example']
        example['kwargs'] = {name: 3 for name in example['kwargs']}
        assert node.post(f'/api/v1/al/{link}', example).json == 8
    finally:
        admin.delete('auth-links', link)
        admin.delete('auth-links', hidden)


def test_every_read_answers_as_documented(admin, document):
    walked = 0
    for method, path, operation in operations(document):
        if method != 'GET' or path in NOT_WALKED or '/do/delete' in path or '{' in path:
            continue
        required = [p for p in operation['parameters'] if p['required']]
        if required:
            bad(admin.get(path), 'EClientBadRequest', 400)
            continue
        content = operation['responses']['200']['content']
        answer = admin.get(path)
        if path.endswith('delete-many'):
            bad(answer, 'EBizCondition.DeleteConditionNotSpecified', 403)
            continue
        assert answer.status == 200, (path, answer)
        if 'application/json' in content and 'schema' in content['application/json']:
            fits(answer.json, content['application/json']['schema'], path)
        walked += 1
    assert walked > 30


def test_an_export_as_json_is_documented(admin, document):
    exports = 0
    for method, path, operation in operations(document):
        content = operation['responses']['200']['content']
        if 'text/csv' not in content:
            continue
        options = content['application/json']['schema']['anyOf']
        answer = admin.get(path, export='json')
        assert answer.status == 200 and isinstance(answer.json, list), (path, answer)
        fits(answer.json, options[1], path)
        fits(admin.get(path).json, options[0], path)
        exports += 1
    assert exports > 5


def test_a_status_that_the_function_has_chosen_is_documented(node, admin):
    link = admin.add('auth-links', funcId='t__basic.custom', showInDoc=True,
                     funcCallKwargsJSON={})
    try:
        paths = good_document(admin.get('/api/v1/openapi.json'))['paths']
        for path, method in (('/api/v1/func/{funcId}', 'post'), (f'/api/v1/al/{link}', 'post')):
            responses = paths[path][method]['responses']
            assert set(responses) == {'200', '2XX', '3XX', 'default'}, path
            answer = admin.post(path.replace('{funcId}', 't__basic.custom'),
                                {'kwargs': {}, 'options': {'unfold': True}})
            assert answer.status == 201 and answer.text == '<p>hi</p>', (path, answer)
    finally:
        admin.delete('auth-links', link)


def test_every_route_with_an_id_says_that_there_is_none(admin, document):
    for method, path, operation in operations(document):
        if '{id}' not in path or method != 'GET' or path.startswith('/api/v1/fs/'):
            continue
        answer = admin.get(filled(path))
        value = bad(answer, 'EClientNotFound', 404)
        assert value['detail']['id'] == 'none-here', path
        fits(value, document['components']['schemas']['Failure'], path)


def test_every_body_is_checked(admin, document):
    """Unknown keys, wrong types and missing keys are 400 and name the field."""
    walked = 0
    for method, path, operation in operations(document):
        content = operation.get('requestBody', {}).get('content', {})
        schema = content.get('application/json', {}).get('schema')
        if method != 'POST' or not schema or path == '/api/v1/do/echo':
            continue
        url = filled(path)
        for body in (b'{', b'[]', b'"x"', b'1', b'{"nothing-like-it":1}', b'{"a":1,"a":2}'):
            value = bad(admin.post(url, body, {'Content-Type': 'application/json'}),
                        'EClientBadRequest', 400)
            assert value['message'], path
        if schema['required']:
            value = bad(admin.post(url, {}), 'EClientBadRequest', 400)
            assert schema['required'][0] in value['message'], path
        for name, inner in schema['properties'].items():
            if inner.get('type') == 'object' and 'properties' in inner:
                for key, prop in inner['properties'].items():
                    if prop.get('title') == 'any':
                        continue
                    wrong = 1.5 if prop.get('type') != 'number' else 'x'
                    value = bad(admin.post(url, {name: {key: wrong}}), 'EClientBadRequest', 400)
                    assert key in value['message'], (path, key, value)
                    value = bad(admin.post(url, {name: {key: {'$gt': ''}, 'more': 1}}),
                                'EClientBadRequest', 400)
        walked += 1
    assert walked > 20


def test_every_list_refuses_what_it_does_not_know(admin, document):
    walked = 0
    for method, path, operation in operations(document):
        if method != 'GET' or not path.endswith('/do/list'):
            continue
        bad(admin.get(path + '?nothing=1'), 'EClientBadRequest', 400)
        for parameter in operation['parameters']:
            name, schema = parameter['name'], parameter['schema']
            bad(admin.get(f'{path}?{name}=1&{name}=2'), 'EClientBadRequest', 400)
            for value in ("' OR '1'='1", '"; DROP TABLE user; --', '%', '_', '\\', '中', '%00'):
                answer = admin.get(f'{path}?{name}=' + (value if value == '%00' else quoted(value)))
                assert answer.status in (200, 400), (path, name, value, answer)
            if schema.get('type') == 'integer':
                bad(admin.get(f'{path}?{name}=x'), 'EClientBadRequest', 400)
        walked += 1
    assert walked > 15


def quoted(text):
    import urllib.parse
    return urllib.parse.quote(text)


def expected(role, operation):
    """May a role use it? By the table of the specification."""
    if operation.get('x-admin') and role != 'admin':
        return False
    return {
        'general_r': role in ('admin', 'user', 'readonlyUser'),
        'general_w': role in ('admin', 'user'),
        'user_r': role in ('admin', 'user', 'readonlyUser'),
        'user_w': role == 'admin',
        'accessKey_r': role == 'admin', 'accessKey_w': role == 'admin',
        'systemConfig_r': False, 'systemConfig_w': False,
    }[operation['x-privilege']]


def test_every_route_is_for_whom_it_should_be(node, roles, document):
    walked = 0
    for method, path, operation in operations(document):
        if not operation['security'] or 'x-privilege' not in operation:
            continue
        url = filled(path)
        if url.endswith(('/do/clear', 'do/put')):
            continue
        body = {'impossible': 1} if method == 'POST' else None
        answer = Api(node).request(method, url, body)
        bad(answer, 'EUserAuth', 401)
        for role, client in roles.items():
            answer = client.request(method, url, body)
            refused = answer.status == 401 and answer.json['reason'] == 'EUserPrivilege'
            assert refused is not expected(role, operation), (role, method, path, answer)
            if refused and not operation.get('x-admin'):
                assert answer.json['detail'] == {
                    'requiredPrivileges': [operation['x-privilege']]}
        walked += 1
    assert walked > 60


def test_nobody_gives_more_than_he_has(node, admin, roles):
    bad(roles['admin'].post('/api/v1/users/u-admin/do/modify', {'data': {'name': 'x'}}),
        'EBizCondition.adminUserCannotBeModified', 403)
    bad(roles['admin'].get('/api/v1/users/u-admin/do/delete'),
        'EBizCondition.adminUserCannotBeModified', 403)
    base = {'username': 'escalate', 'password': 'p', 'name': 'n', 'roles': ['user']}
    bad(roles['admin'].post('/api/v1/users/do/add', {'data': {**base, 'customPrivileges': '*'}}),
        'EUserPrivilege', 401)
    bad(roles['admin'].post('/api/v1/users/do/add',
                            {'data': {**base, 'customPrivileges': 'systemConfig_w'}}),
        'EUserPrivilege', 401)
    bad(roles['admin'].post('/api/v1/users/do/add', {'data': {**base, 'roles': ['sa']}}),
        'EClientBadRequest', 400)
    bad(roles['admin'].post('/api/v1/users/do/add',
                            {'data': {**base, 'customPrivileges': 'nothing'}}),
        'EClientBadRequest', 400)
    # somebody who may write users, but not give roles
    writer = admin.add('users', username='writer', password='pw', name='w', roles=['customUser'],
                       customPrivileges='user_r,user_w,general_r,general_w')
    client = signed_in(node, 'writer', 'pw')
    value = bad(client.post('/api/v1/users/do/add', {'data': base}), 'EUserPrivilege', 401)
    assert value['detail'] == {'requiredPrivileges': ['user_roleSetting']}
    [row] = admin.list('users', username='walk-admin')
    bad(client.post(f'/api/v1/users/{row["id"]}/do/modify', {'data': {'password': 'mine'}}),
        'EUserPrivilege', 401)
    bad(client.get(f'/api/v1/users/{writer}/do/delete'), 'EBizCondition', 403)
    admin.delete('users', writer)
    value = bad(admin.post('/api/v1/users/do/add', {'data': {**base, 'username': 'walk-user'}}),
                'EClientDuplicated.username', 409)
    assert value['detail'] == {'key': 'USERNAME'}


# --- access keys ---------------------------------------------------------------------------------


def signature(secret, method, url, timestamp, nonce, body=None):
    import hashlib
    import hmac
    parts = [str(timestamp), nonce, method, url]
    if body is None:
        return hmac.new(secret.encode(), '&'.join(parts).encode(), hashlib.sha1).hexdigest()
    parts = ['v2', *parts, hashlib.sha256(body).hexdigest()]
    return hmac.new(secret.encode(), '&'.join(parts).encode(), hashlib.sha256).hexdigest()


def test_access_keys(node, admin):
    import os
    import time
    key = admin.add('access-keys', name='test')
    assert re.fullmatch(r'ak-[0-9A-Za-z]{16}', key)
    [row] = admin.list('access-keys', id=key)
    secret = row['secret']
    assert len(secret) == 32 and row['u_id'] == 'u-admin' and row['allowWebhookEcho'] is False
    assert secret not in node.mysql('SELECT secretCipher FROM dataflux_func.access_key;')
    url = '/api/v1/scripts/do/list?pageSize=2'

    def headers(method='GET', target=url, age=0, body=None, secret=secret, **changes):
        timestamp, nonce = int(time.time()) - age, os.urandom(8).hex()
        found = {'X-Dff-Ak-Id': key, 'X-Dff-Ak-Timestamp': str(timestamp),
                 'X-Dff-Ak-Nonce': nonce,
                 'X-Dff-Ak-Sign': signature(secret, method, target, timestamp, nonce, body)}
        if body is not None:
            found['X-Dff-Ak-Sign-Version'] = 'v2'
        return {**found, **changes}

    api = Api(node)
    right = headers()
    good(api.get(url, headers=right))
    bad(api.get(url, headers=right), 'EUserAuth', 401)              # replayed
    bad(api.get(url + '0', headers=headers()), 'EUserAuth', 401)    # another URL
    bad(api.get(url, headers=headers(age=1000)), 'EUserAuth', 401)
    bad(api.get(url, headers=headers(age=-1000)), 'EUserAuth', 401)
    bad(api.get(url, headers=headers(secret='x' * 32)), 'EUserAuth', 401)
    bad(api.get(url, headers=headers(**{'X-Dff-Ak-Id': 'ak-none'})), 'EUserAuth', 401)
    bad(api.get(url, headers=headers(**{'X-Dff-Ak-Sign-Version': 'v3'})), 'EUserAuth', 401)
    bad(api.get('/api/v1/client-config/do/get', headers=headers(**{'X-Dff-Ak-Nonce': ''})),
        'EUserAuth', 401)
    bad(api.get('/api/v1/client-config/do/get',
                headers=headers(**{'X-Dff-Ak-Timestamp': 'x'})), 'EUserAuth', 401)

    body = b'{"echo":1}'
    echo = '/api/v1/do/echo'
    kind = {'Content-Type': 'application/json'}
    good(api.request('POST', echo, body, {**headers('POST', echo, body=body), **kind}))
    bad(api.request('POST', echo, b'{"echo":2}', {**headers('POST', echo, body=body), **kind}),
        'EUserAuth', 401)
    good(api.request('POST', echo, body, {**headers('POST', echo), **kind}))

    target = '/api/v1/users/do/list'
    value = bad(api.get(target, headers=headers(target=target)), 'EUserAuth', 401)
    assert value['detail'] == {'authType': 'builtin.byAccessKey',
                               'supportedAuthType': ['builtin.byXAuthToken']}
    admin.delete('access-keys', key)
    bad(api.get(url, headers=headers()), 'EUserAuth', 401)


def test_system_configs(admin):
    path = '/api/v1/system-configs/test.key/do/set'
    assert good(admin.post(path, {'data': {'value': 'a'}}))['data'] == {
        'oldValue': None, 'newValue': 'a'}
    assert good(admin.post(path, {'data': {'value': 'b'}}))['data'] == {
        'oldValue': 'a', 'newValue': 'b'}
    assert admin.read('/api/v1/system-configs/test.key/do/get')['value'] == 'b'
    bad(admin.post('/api/v1/system-configs/upgrade.db.upgradeSeq/do/set',
                   {'data': {'value': '1'}}), 'EBizCondition', 403)
    bad(admin.post('/api/v1/system-configs/' + 'x' * 65 + '/do/set', {'data': {'value': '1'}}),
        'EClientBadRequest', 400)
    assert admin.read('/api/v1/system-configs/test.key/do/delete') == {'id': 'test.key'}


def test_data_sources(node, admin):
    base = {'id': 'src_test', 'type': 'http', 'title': 'T', 'configJSON': {
        'host': '127.0.0.1', 'port': node.port, 'user': 'u', 'password': 'source-secret'}}
    assert admin.add('data-sources', **base) == 'src_test'
    [row] = admin.list('data-sources', id='src_test')
    assert row['configJSON']['host'] == '127.0.0.1' and row['isBuiltin'] is False
    raw = json.dumps(row)
    assert 'source-secret' not in raw and 'ipher' not in raw and 'password' not in raw
    assert 'source-secret' not in node.mysql('SELECT configJSON FROM dataflux_func.data_source;')
    bad(admin.post('/api/v1/data-sources/do/add', {'data': base}),
        'EBizCondition.DuplicatedDataSourceID', 403)
    bad(admin.post('/api/v1/data-sources/do/add', {'data': {**base, 'id': 'dataflux_x'}}),
        'EBizCondition.ReservedDataSourceIDPrefix', 403)
    bad(admin.post('/api/v1/data-sources/do/add', {'data': {**base, 'id': 'other', 'configJSON':
                                                            {'port': 80}}}),
        'EClientBadRequest.InvalidDataSourceConfigJSON', 400)
    bad(admin.post('/api/v1/data-sources/do/add', {'data': {**base, 'type': 'x'}}),
        'EClientBadRequest', 400)
    admin.modify('data-sources', 'src_test', title='New')
    admin.modify('data-sources', 'src_test', configJSON={
        'host': 'localhost', 'port': node.port, 'user': 'u'})
    [row] = admin.list('data-sources', type='http', id='src_test')
    assert row['configJSON']['host'] == 'localhost' and row['title'] == 'New'
    admin.delete('data-sources', 'src_test')
    assert 'source-secret' not in node.log_text()


def test_without_mysql_it_is_503_52_and_without_redis_503_53(fresh_node):
    admin = administrator(fresh_node)
    fresh_node.allow('MySQL', 'Redis', 'redis')
    fresh_node.stop('redis')
    bad(admin.get('/api/v1/scripts/do/list'), 'ESysCache', 503)
    assert Api(fresh_node).get('/api/v1/client-config/do/get').status == 200
    fresh_node.start('redis')
    wait_until(lambda: admin.get('/api/v1/scripts/do/list').status == 200, 10)
    fresh_node.set(MYSQL_PASSWORD='wrong')
    fresh_node.restart('executor')
    assert bad(admin.get('/api/v1/scripts/do/list'), 'ESysDB', 503)['error'] == 503.52


def test_without_an_executor_it_is_503_in_json(fresh_node):
    fresh_node.allow('api.sock failed')
    fresh_node.stop('executor')
    answer = Api(fresh_node).get('/api/v1/scripts/do/list')
    assert answer.status == 503 and answer.json['error'] == 503.2
    fresh_node.start('executor')
