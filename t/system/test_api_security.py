"""What strangers send: texts that mean something to SQL, to headers, to a browser, in every
place that the OpenAPI document says takes a text."""

import json
import re
import shutil
import socket
import urllib.parse

import pytest

from api import Api, bad, forget_failures, good
from node import wait_until

# Each alone would break out of a text that was put into a statement.
PAYLOADS = ("x' OR '1'='1' -- ", '"; DROP TABLE user; --', "\\'; DELETE FROM user; #",
            "`x`%_/*中")

FUNC = {'funcId': 't__basic.plus', 'funcCallKwargsJSON': {}}
# What can be added, with the least that is taken.
ADDS = {
    'users': {'username': 'sec-user', 'password': 'p', 'name': 'n', 'roles': ['user']},
    'access-keys': {'name': 'sec'},
    'script-sets': {'id': 'sec_set'},
    'scripts': {'id': 'sec__one'},
    'data-sources': {'id': 'sec_source', 'type': 'http', 'configJSON': {'host': '127.0.0.1'}},
    'env-variables': {'id': 'sec_env', 'valueTEXT': 'v'},
    'api-auth': {'type': 'fixedField', 'configJSON': {'fields': [
        {'location': 'header', 'name': 'x-sec', 'value': 'v'}]}},
    'auth-links': FUNC, 'crontab-configs': FUNC, 'batches': FUNC,
    'file-services': {'root': 'sec'},
    'script-recover-points': {'note': 'sec'},
}
NEVER_DELETED = {'script-recover-points'}
# What is not answered as it was sent, since it is a secret.
SECRETS = {'password', 'value', 'secretKey', 'token', 'accessKey'}


@pytest.fixture(scope='module')
def document(admin):
    return admin.get('/api/v1/openapi.json').json


@pytest.fixture
def tidy(node, admin):
    """What such texts have made, where any name may be given, is gone afterwards."""
    folder = node.install / 'data/resources'
    files = set(folder.iterdir())
    configs = {row['id'] for row in admin.list('system-configs')}
    yield
    for row in admin.list('system-configs'):
        if row['id'] not in configs:
            admin.delete('system-configs', urllib.parse.quote(row['id'], safe=''))
    for path in set(folder.iterdir()) - files:
        if not path.name.startswith('.'):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def operations(document):
    for path, methods in document['paths'].items():
        for method, operation in methods.items():
            if not path.startswith('/api/v1/al/'):
                yield method.upper(), path, operation


def schema_of(operation):
    content = operation.get('requestBody', {}).get('content', {})
    return content.get('application/json', {}).get('schema')


def kinds(schema):
    kind = schema.get('type', [])
    return {kind} if isinstance(kind, str) else set(kind)


def texts(schema, path=()):
    """The places of all texts in a schema: keys, and 0 for the element of a list."""
    if 'enum' in schema:
        return
    if 'string' in kinds(schema):
        yield path
    if 'array' in kinds(schema):
        yield from texts(schema.get('items', {}), (*path, 0))
    if 'object' in kinds(schema):
        inner = schema.get('properties')
        if not inner:               # of any content
            yield (*path, 'x')
        for key, value in (inner or {}).items():
            yield from texts(value, (*path, key))


def with_text(body, path, text):
    """A copy of body with a text at a place."""
    key, rest = path[0], path[1:]
    if key == 0:
        inner = body[0] if isinstance(body, list) and body else None
        return [with_text(inner, rest, text) if rest else text]
    body = dict(body) if isinstance(body, dict) else {}
    body[key] = with_text(body.get(key), rest, text) if rest else text
    return body


def text_at(value, path):
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def least(schema):
    """A value that has what must be there, and nothing else."""
    if 'enum' in schema:
        return schema['enum'][0]
    kind = kinds(schema)
    if 'object' in kind:
        return {key: least(schema['properties'][key]) for key in schema.get('required', ())}
    if 'array' in kind:
        return [least(schema.get('items', {}))]
    if 'integer' in kind or 'number' in kind:
        return schema.get('minimum', 1)
    return False if 'boolean' in kind else 'x'


def refused(answer, where):
    """The caller is told that it is wrong; nothing has gone wrong inside."""
    value = answer.json
    assert 400 <= answer.status < 500 and value['ok'] is False, (where, answer)
    assert value['message'], where
    return value


def tables(node):
    """What none of it may change: the tables, and who may sign in."""
    return (node.sql('SHOW TABLES;'), node.sql(
        "SELECT id, username, passwordHash, roles, customPrivileges FROM user "
        "WHERE username NOT LIKE 'sec-%' ORDER BY seq;"))


def test_sql_in_every_text_of_every_entity(node, admin, document):
    found = {match[1]: schema_of(operation) for method, path, operation in operations(document)
             if (match := re.fullmatch('/api/v1/([a-z-]+)/do/add', path))}
    assert set(found) == set(ADDS), 'an entity is without a row in ADDS, or the other way round'
    before = tables(node)
    for base in ('script-sets/sec', 'script-sets/sec_set', 'data-sources/sec_source',
                 'env-variables/sec_env'):
        admin.get(f'/api/v1/{base}/do/delete')
    admin.add('script-sets', id='sec')
    stored = walked = 0
    for base, schema in found.items():
        for path in texts(schema['properties']['data']):
            for payload in PAYLOADS:
                stored += entity_takes(admin, base, path, payload)
                walked += 1
    admin.delete('script-sets', 'sec')
    assert walked > 150 and stored > 100, (walked, stored)
    assert tables(node) == before


def entity_takes(admin, base, path, payload):
    """Added, told as it is, changed and deleted; or refused."""
    where = base, path, payload
    body = with_text(ADDS[base], path, payload)
    answer = admin.post(f'/api/v1/{base}/do/add', {'data': body})
    if answer.status != 200:
        refused(answer, where)
        return False
    identity = good(answer)['data']['id']
    query = urllib.parse.urlencode({'id': identity})
    [row] = good(admin.get(f'/api/v1/{base}/do/list?{query}'))['data']
    told = text_at(row, path)
    if told is not None and path[-1] not in SECRETS:
        if path[-1] == 0 and isinstance(told, str):
            told = told.strip()
        if base == 'file-services' and path == ('root',):
            told = told.removesuffix('/')
        assert told in (payload, payload.strip()), (where, told)
    if base in NEVER_DELETED:
        return True
    quoted = urllib.parse.quote(identity, safe='')
    change = admin.post(f'/api/v1/{base}/{quoted}/do/modify',
                        {'data': with_text({}, path, payload)})
    if change.status != 200:
        refused(change, where)
    good(admin.get(f'/api/v1/{base}/{quoted}/do/delete'))
    return True


def test_sql_in_every_text_of_every_other_body(node, admin, document, tidy):
    before, walked = tables(node), 0
    for method, path, operation in operations(document):
        schema = schema_of(operation)
        if method != 'POST' or not schema or path.endswith(('/do/add', '/do/add-many')):
            continue
        url = re.sub(r'\{\w+\}', 'none-here', path)
        for place in texts(schema):
            for payload in PAYLOADS:
                answer = admin.post(url, with_text(least(schema), place, payload))
                assert answer.status < 500, (path, place, payload, answer)
                walked += 1
        forget_failures(node)
    assert walked > 100
    assert tables(node) == before


def test_sql_in_every_part_of_a_path(node, admin, document, tidy):
    before, walked = tables(node), 0
    for method, path, operation in operations(document):
        for name in re.findall(r'\{(\w+)\}', path):
            for payload in PAYLOADS:
                url = path.replace('{%s}' % name, urllib.parse.quote(payload, safe=''))
                url = re.sub(r'\{\w+\}', 'none-here', url)
                schema = schema_of(operation)
                body = least(schema) if schema else {} if method == 'POST' else None
                answer = admin.request(method, url, body)
                # What is not there may be deleted, or set.
                assert answer.status < 500, (method, url, answer)
                walked += 1
    assert walked > 100
    assert tables(node) == before


# --- CSRF ----------------------------------------------------------------------------------------


def test_a_page_of_another_origin_changes_nothing(node, admin, document):
    """What a page can make a browser send: cookies, a form or a plain text, no header of
    ours. Every route that needs a sign-in, also those that write with GET."""
    walked = 0
    cookie = f'xDFFAuthToken={admin.token}; X-Dff-Auth-Token={admin.token}'
    for method, path, operation in operations(document):
        if not operation['security']:
            continue
        url = re.sub(r'\{\w+\}', 'none-here', path)
        for kind, body in (('text/plain', b'{"data":{}}'),
                           ('application/x-www-form-urlencoded', b'data[title]=x'),
                           ('multipart/form-data; boundary=B', b'--B--\r\n')):
            answer = Api(node).request(
                method, url, body if method == 'POST' else None,
                {'Content-Type': kind, 'Cookie': cookie, 'Origin': 'http://evil.example',
                 'Referer': 'http://evil.example/'})
            bad(answer, 'EUserAuth', 401)
            assert 'set-cookie' not in answer.headers
        walked += 1
    assert walked > 80


def test_a_query_token_does_not_write(node, admin, document):
    for method, path, operation in operations(document):
        writes = method == 'POST' or '/do/delete' in path or path.endswith('/do/clear')
        if not operation['security'] or not writes:
            continue
        url = re.sub(r'\{\w+\}', 'none-here', path) + f'?xDFFAuthToken={admin.token}'
        bad(Api(node).request(method, url, {} if method == 'POST' else None), 'EUserAuth', 401)


# --- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize('trace', ['a"b', 'a\\b', 'x' * 129, 'a b', '中', '\x7f', '<script>'])
def test_a_trace_id_is_repeated_only_when_it_is_one(node, trace):
    answer = Api(node).get('/api/v1/client-config/do/get',
                           headers={'X-Trace-Id': trace.encode()})
    told = answer.headers['x-trace-id']
    assert told == answer.json['traceId']
    assert told == trace or re.fullmatch('TRACE-[0-9A-F-]{36}', told)
    assert len(told) <= 128 and '"' not in told and ' ' not in told


def test_names_do_not_get_into_headers(node, admin):
    """Titles, notes and what a function answers are texts from outside."""
    evil = 'x\r\nSet-Cookie: evil=1\r\n\r\n<b>'
    admin.get('/api/v1/script-sets/sec_head/do/delete')
    admin.add('script-sets', id='sec_head', title=evil, description=evil)
    code = ('@DFF.API("h")\ndef head():\n'
            f'    return DFF.RESP("x", content_type={evil!r},\n'
            f'                    headers={{"X-Good": "1", "X-Evil": {evil!r}, {evil!r}: "1",\n'
            '                             "Set-Cookie": "evil=1", "Content-Length": "9"})\n')
    admin.add('scripts', id='sec_head__one', title=evil, codeDraft=code)
    good(admin.post('/api/v1/scripts/sec_head__one/do/publish', {'data': {'note': evil}}))
    node.allow('InvalidOptionException')     # the worker refuses such a DFF.RESP already
    answers = [
        admin.post('/api/v1/func/sec_head__one.head', {'options': {'unfold': True}}),
        admin.post('/api/v1/script-sets/do/export', {
            'scriptSetIds': ['sec_head'], 'password': None, 'note': evil}),
        admin.get('/api/v1/script-publish-history/do/list?export=csv&scriptId=sec_head__one'),
        admin.get('/api/v1/script-sets/do/list?id=sec_head'),
    ]
    assert answers[0].status == 599
    for answer in answers:
        assert 'evil' not in str(answer.headers.get('set-cookie')), answer
        assert all('evil' not in name for name in answer.headers), answer
        assert 'x-evil' not in answer.headers or '\n' not in answer.headers['x-evil']
    admin.delete('script-sets', 'sec_head')


# --- bodies on the socket of the api processes ---------------------------------------------------


class Scgi:
    """A connection to the socket that nginx uses."""

    def __init__(self, node):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(node.install / 'run/api.sock'))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def head(self, length, path='/api/v1/do/echo', **more):
        pairs = {'CONTENT_LENGTH': str(length), 'SCGI': '1', 'REQUEST_METHOD': 'POST',
                 'REQUEST_URI': path, 'CONTENT_TYPE': 'application/json', **more}
        text = b''.join(f'{name}\0{value}\0'.encode() for name, value in pairs.items())
        self.send(b'%d:%s,' % (len(text), text))

    def answer(self):
        """Everything until the end; b'': it was closed without an answer."""
        data = b''
        while True:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return data
            if not piece:
                return data
            data += piece


def test_a_body_on_the_socket_that_is_too_large_is_refused_unread(node, admin):
    with Scgi(node) as scgi:
        scgi.head((50 << 20) + 1, HTTP_X_DFF_AUTH_TOKEN=admin.token)
        answer = scgi.answer()
        assert answer.startswith(b'Status: 413') and b'"EClientBadRequest"' in answer, answer
    with Scgi(node) as scgi:
        scgi.head(10 ** 15 - 1, HTTP_X_DFF_AUTH_TOKEN=admin.token)
        assert scgi.answer().startswith(b'Status: 413')
    answer = admin.request('POST', '/api/v1/do/echo', b' ' * ((50 << 20) + 1),
                           {'Content-Type': 'application/json'})
    assert answer.status == 413


@pytest.mark.parametrize('sent', [
    b'GET / HTTP/1.1\r\n\r\n', b'99999:', b'0:,', b'-1:x', b'70000:', b'12:CONTENT_LENGT,',
    b'23:CONTENT_LENGTH\x00-1\x00SCGI\x001,', b'3:abcd', b':,'])
def test_what_is_no_request_is_closed_without_an_answer(node, sent):
    node.allow('a request is no SCGI')
    with Scgi(node) as scgi:
        scgi.send(sent)
        scgi.socket.shutdown(socket.SHUT_WR)
        assert scgi.answer() == b''


def test_slow_senders_hold_nobody_up(node, admin):
    """A hundred that have begun to send, and others are answered as ever."""
    slow = [Scgi(node) for _ in range(100)]
    try:
        for i, scgi in enumerate(slow):
            if i % 2:
                scgi.send(b'200:CONTENT_LEN')           # in the head
            else:
                scgi.head(1000, HTTP_X_DFF_AUTH_TOKEN=admin.token)
                scgi.send(b'{"echo":')                  # in the body
        for i in range(20):
            answer = good(admin.post('/api/v1/do/echo', {'echo': i}))
            assert answer['data'] == {'echo': i} and answer['reqCost'] < 2000
        # and when the rest comes, they are answered, too
        slow[0].send(b'1}' + b' ' * 990)
        assert b'"ok":true' in slow[0].answer()
    finally:
        for scgi in slow:
            scgi.socket.close()


def test_a_body_shorter_than_announced_is_no_request(node, admin):
    before = len(admin.list('env-variables'))
    with Scgi(node) as scgi:
        body = json.dumps({'data': {'id': 'sec_short', 'valueTEXT': 'v'}}).encode()
        scgi.head(len(body) + 1, '/api/v1/env-variables/do/add',
                  HTTP_X_DFF_AUTH_TOKEN=admin.token)
        scgi.send(body)
        scgi.socket.shutdown(socket.SHUT_WR)
        assert scgi.answer() == b''
    assert len(admin.list('env-variables')) == before


def test_many_tokens_are_guessed_in_vain(node, admin):
    """Forged tokens, near the form of real ones, and parts of a real one."""
    real = admin.token
    forged = [real[:-1], real + 'x', real.swapcase(), real[::-1], real[:8] + '\0' + real[9:],
              '*', 'dff:session:*', real.upper(), ' ' + real[1:]]
    for token in forged:
        if token == real or '\0' in token:
            continue
        bad(Api(node).get('/api/v1/users/do/list', headers={'X-Dff-Auth-Token': token}),
            'EUserAuth', 401)
    good(admin.get('/api/v1/users/do/list'))
    wait_until(lambda: real not in node.log_text(), 1, 'a log without the token')
