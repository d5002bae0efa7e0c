"""Every operation of the OpenAPI document with good input: each answers as it is documented."""

import pathlib
import urllib.parse

import pytest

from api import Api, administrator, signed_in
from node import wait_until
from openapi import envelope, fits

# Operations without a good answer here, and the test that has them.
ELSEWHERE = {
    # needs a package and an index to fetch it from
    ('POST', '/api/v1/python-packages/install'):
        ('test_api_python.py', 'test_a_package_is_installed_replaced_and_used'),
    # is refused always: what it restored is not made any more
    ('POST', '/api/v1/script-recover-points/{id}/do/recover'):
        ('test_api_packages.py', 'test_a_recover_point_is_restored'),
}

CODE = '''
@DFF.API('Add two numbers', tags=['answers'], timeout=20)
def plus(x, y=1):
    """Returns a sum."""
    print('adding')
    return x + y


@DFF.API('Let everybody in', integration='signIn')
def check(username, password):
    return True


@DFF.API('Keep something')
def keep():
    for key in ('a', 'b'):
        DFF.STORE.set(key, {'n': 1}, scope='answers')
        DFF.CACHE.set(key, 'text', scope='answers')
    DFF.CACHE.hset('hash', 'field', '1', scope='answers')
    DFF.CACHE.lpush('list', 'x', scope='answers')
'''
PLUS = 'answers__main.plus'


class Walk:
    """Asks, and remembers which operations have answered as documented, which Api checks."""

    def __init__(self, node):
        self.node = node
        self.admin = administrator(node)
        self.done = set()

    def __call__(self, method, template, body=None, query=None, api=None, headers=None, **values):
        """The data of the answer, or an answer that has none."""
        api = api or self.admin
        path = '/api/v1' + template.format_map(
            {name: urllib.parse.quote(value, safe='') for name, value in values.items()})
        answer = api.request(method, path, body, headers, **(query or {}))
        assert answer.status == 200, (method, template, answer)
        assert (method, '/api/v1' + template) in api.answered, (method, template)
        self.done.add((method, '/api/v1' + template))
        is_envelope = answer.body.startswith(b'{"ok":true,') and b'"data":' in answer.body
        return answer.json['data'] if is_envelope else answer


def form(content, filename, **fields):
    """A multipart body and its headers."""
    parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]
    parts += [f'--B\r\nContent-Disposition: form-data; name="files"; filename="{filename}"'
              '\r\n\r\n'.encode(), content, b'\r\n--B--\r\n']
    return b''.join(parts), {'Content-Type': 'multipart/form-data; boundary=B'}


def delete(walk, base, identities):
    """With either method."""
    for method, identity in zip(('GET', 'POST'), identities, strict=True):
        walk(method, f'/{base}/{{id}}/do/delete', id=identity)


def entity(walk, base, rows, change, gets=False):
    """Two rows of one, from their adding to their deletion."""
    ids = [walk('POST', f'/{base}/do/add', {'data': row})['id'] for row in rows]
    assert len(walk('GET', f'/{base}/do/list', query={'id': ','.join(ids)})) == 2
    walk('GET', f'/{base}/do/list', query={'id': ids[0], 'fields': 'id'})
    if gets:
        walk('GET', f'/{base}/{{id}}/do/get', id=ids[0])
    walk('POST', f'/{base}/{{id}}/do/modify', {'data': change}, id=ids[0])
    delete(walk, base, ids)


def links(walk, base, **more):
    row = {'funcId': PLUS, 'funcCallKwargsJSON': {'x': 1}, **more}
    entity(walk, base, [row, row], {'note': 'changed'})
    ids = walk('POST', f'/{base}/do/add-many', {'data': [row] * 4})['ids']
    halves = [{'id': ','.join(ids[:2])}, {'id': ','.join(ids[2:])}]
    walk('POST', f'/{base}/do/modify-many', {'data': {'note': 'changed'}}, query=halves[0])
    for method, half in zip(('GET', 'POST'), halves):
        assert len(walk(method, f'/{base}/do/delete-many', query=half)['ids']) == 2


# --- the walk, in an order in which each finds what it needs -------------------------------------


def scripts(walk):
    """Leaves a published script."""
    for name in ('answers', 'answers_old'):
        walk('POST', '/script-sets/do/add', {'data': {'id': name, 'requirements': 'six'}})
    walk('POST', '/script-sets/{id}/do/modify', {'data': {'title': 'Answers'}}, id='answers')
    for name in ('answers__main', 'answers__old', 'answers__older'):
        walk('POST', '/scripts/do/add', {'data': {'id': name}})
    draft = {'data': {'codeDraft': CODE}}
    walk('POST', '/scripts/{id}/do/modify', {'data': {'title': 'Main'}}, id='answers__main')
    walk('POST', '/scripts/{id}/do/modify', draft, id='answers__main')
    told = walk('POST', '/func-draft/{funcId}', {'kwargs': {'x': 1}}, funcId=PLUS)
    assert told['result']['funcResult']['raw'] == 2
    walk('POST', '/func-draft/{funcId}', {}, funcId='answers__main')
    walk('POST', '/scripts/{id}/do/publish', {'data': {'note': 'good'}}, id='answers__main')
    walk('GET', '/scripts/do/list', query={'scriptSetId': 'answers'})
    walk('GET', '/scripts/{id}/do/get', id='answers__main')
    delete(walk, 'scripts', ['answers__old', 'answers__older'])
    walk('POST', '/script-sets/{id}/do/clone', {'newId': 'answers_new'}, id='answers')
    walk('GET', '/script-sets/do/list')
    delete(walk, 'script-sets', ['answers_old', 'answers_new'])


def packages(walk):
    answer = walk('POST', '/script-sets/do/export', {
        'password': None, 'scriptSetIds': ['answers'], 'note': 'answers'})
    body, headers = form(answer.body, 'a.func-pkg', checkOnly='true')
    data = walk('POST', '/script-sets/do/import', body, headers=headers)
    walk('POST', '/script-sets/do/confirm-import', {'confirmId': data['confirmId']})
    body, headers = form(answer.body, 'a.func-pkg')
    assert walk('POST', '/script-sets/do/import', body, headers=headers)['pkgs'] == ['six']
    walk('POST', '/script-recover-points/do/add', {'data': {'note': 'answers'}})
    walk('GET', '/script-recover-points/do/list')


def functions(walk):
    for template in ('/funcs/do/list', '/func-list', '/func-tag-list'):
        assert walk('GET', template)
    walk('GET', '/func/{funcId}', funcId=PLUS)
    walk('GET', '/func/overview')
    walk('GET', '/func/overview', query={'sections': 'workerQueueInfo'})
    walk('POST', '/func/integration/sign-in', {'signIn': {
        'funcId': 'answers__main.check', 'username': 'u', 'password': 'p'}}, api=Api(walk.node))
    link = walk('POST', '/auth-links/do/add', {'data': {
        'funcId': PLUS, 'funcCallKwargsJSON': {}, 'showInDoc': True}})['id']
    assert walk('GET', '/auth-link-func-list', api=Api(walk.node))
    walk('GET', '/auth-links/{id}/do/delete', id=link)
    cron = walk('POST', '/crontab-configs/do/add', {'data': {
        'funcId': PLUS, 'funcCallKwargsJSON': {'x': 1}}})['id']
    walk('GET', '/crontab-configs/do/list', query={'_withTaskInfoCount': 'true'})
    assert walk('GET', '/cron/{id}', id=cron) is None
    walk('GET', '/crontab-configs/{id}/do/delete', id=cron)
    data = walk('POST', '/func/{funcId}', {'kwargs': {'x': 1}, 'options': {'saveResult': True}},
                funcId=PLUS)
    walk('GET', '/func-result', query={'taskId': data['taskId']})
    rows = '/dataflux-func-task-results'
    wait_until(lambda: walk('GET', rows + '/do/list', query={'id': data['taskId']}), 10, 'the row')
    walk('GET', rows + '/{id}/do/get', id=data['taskId'])


def kept(walk):
    walk('POST', '/func/{funcId}', {}, funcId='answers__main.keep')
    stored = walk('GET', '/func-stores/do/list', query={'scope': 'answers'})
    walk('GET', '/func-stores/{id}/do/get', id=stored[0]['id'])
    delete(walk, 'func-stores', [row['id'] for row in stored])
    assert len(walk('GET', '/func-caches/do/list', query={'scope': 'answers'})) == 4
    shown = [walk('GET', '/func-caches/{scope}/{key}/do/get', scope='answers', key=key)
             for key in ('a', 'hash', 'list', 'none')]
    assert shown[:3] == ['"text"', {'field': '1'}, ['x']] and isinstance(shown[3], str)
    for method, key in (('GET', 'a'), ('POST', 'b'), ('GET', 'hash'), ('GET', 'list')):
        walk(method, '/func-caches/{scope}/{key}/do/delete', scope='answers', key=key)


def called(walk):
    links(walk, 'auth-links', throttlingJSON={'bySecond': 5}, tagsJSON=['a'])
    links(walk, 'batches')
    links(walk, 'crontab-configs', crontab='0 0 1 1 *')


def entities(walk):
    entity(walk, 'users', [{'username': f'answers-{i}', 'password': 'pw', 'name': 'A',
                            'roles': ['user']} for i in range(2)], {'name': 'B'}, gets=True)
    entity(walk, 'access-keys', [{'name': 'answers'}] * 2, {'allowWebhookEcho': True}, gets=True)
    entity(walk, 'env-variables', [{'id': f'answers_{i}'} for i in range(2)], {'valueTEXT': '1'})
    entity(walk, 'api-auth', [{'type': 'fixedField', 'configJSON': {'fields': [
        {'location': 'header', 'name': 'X-A', 'value': 'a'}]}}] * 2, {'note': 'changed'})
    config = {'host': '127.0.0.1', 'port': walk.node.port, 'password': 'hidden'}
    rows = [{'id': f'answers_{i}', 'type': 'http', 'configJSON': config} for i in range(3)]
    entity(walk, 'data-sources', rows[:2], {'title': 'changed'})
    walk('POST', '/data-sources/do/add', {'data': rows[2]})
    walk('GET', '/data-sources/{id}/do/test', id='answers_2')
    walk('POST', '/data-sources/{id}/do/query', {'queryStatement': 'GET /api/v1/do/ping'},
         id='answers_2')
    walk('GET', '/data-sources/{id}/do/delete', id='answers_2')
    for _ in range(2):
        for name in ('answers.1', 'answers.2'):
            walk('POST', '/system-configs/{id}/do/set', {'data': {'value': 'v'}}, id=name)
    walk('GET', '/system-configs/do/list')
    walk('GET', '/system-configs/{id}/do/get', id='answers.1')
    delete(walk, 'system-configs', ['answers.1', 'answers.2'])


def files(walk):
    walk('POST', '/resources/operate', {'targetPath': 'answers', 'operation': 'mkdir'})
    body, headers = form(b'content', 'a.txt')
    walk('POST', '/resources', body, query={'folder': 'answers'}, headers=headers)
    assert len(walk('GET', '/resources/dir', query={'folder': 'answers'})) == 1
    walk('GET', '/resources/dir')
    for name in ('answers/a.txt', 'answers/none'):
        walk('GET', '/resources/get', query={'filePath': name})
    assert walk('GET', '/resources', query={'filePath': 'answers/a.txt'}).body == b'content'
    service = walk('POST', '/file-services/do/add', {'data': {'root': 'answers'}})['id']
    walk('GET', '/fs/{id}/{path}', id=service, path='a.txt', api=Api(walk.node))
    walk('GET', '/file-services/{id}/do/delete', id=service)
    entity(walk, 'file-services', [{'root': 'answers'}] * 2, {'note': 'changed'})
    walk('POST', '/resources/operate', {'targetPath': 'answers', 'operation': 'rm'})


def persons(walk):
    nobody = Api(walk.node)
    walk('GET', '/captcha/do/get', query={'captchaCategory': 'signIn', 'captchaToken': 'answers'},
         api=nobody)
    made = walk('POST', '/users/do/add', {'data': {
        'username': 'answers', 'password': 'old', 'name': 'A', 'roles': ['user']}})['id']
    given = walk('POST', '/auth/do/sign-in', {'signIn': {'username': 'answers', 'password': 'old'}},
                 api=nobody)
    person = Api(walk.node, given['xAuthToken'])
    walk('GET', '/auth/profile/do/get', api=person)
    assert walk('POST', '/auth/profile/do/modify', {'data': {'name': 'B'}}, api=person) == made
    walk('POST', '/auth/do/change-password', {'changePassword': {
        'oldPassword': 'old', 'newPassword': 'new'}}, api=person)
    walk('GET', '/auth/do/sign-out', api=person)
    walk('POST', '/auth/do/sign-out', api=signed_in(walk.node, 'answers', 'new'))
    walk('GET', '/users/{id}/do/delete', id=made)


def monitor(walk):
    for template in ('nodes/do/ping', 'nodes/do/get-stats', 'nodes/do/get-active-queues',
                     'nodes/do/get-report', 'sys-stats/do/get', 'server-environment/do/get',
                     'tasks/do/list-queued', 'tasks/do/list-scheduled', 'tasks/do/list-recent'):
        walk('GET', '/monitor/' + template)
    walk('POST', '/monitor/worker-queues/do/clear', {'workerQueues': ['9']})
    for method in ('GET', 'POST'):
        walk(method, '/monitor/sys-stats/do/clear')
    walk('GET', '/system-logs')
    for what in ('script-logs', 'script-failures', 'crontab-task-info', 'batch-task-info',
                 'script-publish-history', 'script-set-export-history',
                 'script-set-import-history', 'operation-records'):
        walk('GET', f'/{what}/do/list')
    walk('POST', '/log-cache-tables/do/clear')


def told(walk):
    for template in ('/client-config/do/get', '/image-info/do/get', '/worker-image-info/do/get',
                     '/func-system-config', '/upgrade-info', '/openapi.json'):
        walk('GET', template, api=Api(walk.node))
    walk('POST', '/do/echo', {'echo': [1, None]})
    assert walk('GET', '/python-packages/installed')
    walk('GET', '/python-packages/install-status')


NOUNS = (scripts, packages, functions, kept, called, entities, files, persons, monitor, told)


def forget(node, keys):
    node.redis('EVAL', "for _, k in ipairs(redis.call('KEYS', ARGV[1])) do "
               "redis.call('DEL', k) end", 0, keys)


@pytest.fixture
def walk(node):
    forget(node, 'dff:sign-in*')
    made = Walk(node)
    yield made
    for name in ('answers', 'answers_old', 'answers_new'):
        made.admin.get(f'/api/v1/script-sets/{name}/do/delete')
    forget(node, 'dff:captcha:*')


def operations(api):
    return {(method.upper(), path): operation
            for path, methods in api.get('/api/v1/openapi.json').json['paths'].items()
            for method, operation in methods.items() if not path.startswith('/api/v1/al/')}


def test_every_operation_answers_as_documented(walk):
    for noun in NOUNS:
        noun(walk)
    documented = set(operations(walk.admin))
    assert documented - walk.done == set(ELSEWHERE)
    assert walk.done <= documented


def test_what_is_tested_elsewhere_is():
    for name, test in ELSEWHERE.values():
        text = (pathlib.Path(__file__).parent / name).read_text()
        assert f'def {test}(' in text, test


# What any JSON may be: the body that came, what a server or a function answered.
ARBITRARY = {('POST', '/api/v1/data-sources/{id}/do/query')}


def test_every_operation_tells_what_its_data_is(walk):
    for key, operation in operations(walk.admin).items():
        content = operation['responses']['200']['content']
        if 'application/json' in content:
            schema = envelope(content['application/json']['schema'])
            data = schema['properties']['data']
            assert key in ARBITRARY or 'type' in data or 'anyOf' in data, key
            assert 'data' in schema['required'], key


OBJECT = {'type': 'object', 'properties': {'a': {'type': ['integer', 'null']}}, 'required': ['a'],
          'additionalProperties': False}


@pytest.mark.parametrize('value, schema', [
    ({}, OBJECT), ({'a': 'x'}, OBJECT), ({'a': True}, OBJECT), ({'a': 1, 'b': 1}, OBJECT),
    ([], OBJECT), (None, OBJECT), ([{'a': 1}, {}], {'type': 'array', 'items': OBJECT}),
    ({'x': {}}, {'type': 'object', 'additionalProperties': OBJECT}),
    (1, {'anyOf': [OBJECT, {'type': 'null'}]}), ('x', {'type': 'string', 'enum': ['y']}),
    (1.5, {'type': 'integer'}), (0, {'const': True}), ([1], {'type': 'array', 'minItems': 2}),
    ([1, 2], {'type': 'array', 'maxItems': 1}), ('now', {'type': 'string', 'format': 'date-time'}),
    (1, {'type': 'integer', 'unheardOf': 1}),
])
def test_what_does_not_fit_a_schema_is_told(value, schema):
    with pytest.raises(AssertionError):
        fits(value, schema)
