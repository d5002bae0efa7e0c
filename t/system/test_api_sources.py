"""Data sources through the management API: connected to before they are stored, tested,
asked. The servers are real ones of this machine, or ours that behave badly."""

import http.server
import json
import socket
import subprocess
import threading
import time

import pytest

import roles
from api import bad, good
from node import free_port, wait_until

SECRET = 'source-secret-123'


@pytest.fixture(scope='module')
def redis_port(test_folder):
    """A Redis with a password, on a port."""
    port = free_port()
    server = subprocess.Popen(['redis-server', '--port', str(port), '--bind', '127.0.0.1',
                               '--save', '', '--requirepass', SECRET],
                              cwd=test_folder, stdout=subprocess.DEVNULL)

    def is_up():
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', port)) == 0

    try:
        wait_until(is_up, 10, 'the Redis of the sources')
        yield port
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope='module')
def silent_port():
    """A server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen(64)
        yield server.getsockname()[1]


@pytest.fixture(scope='module')
def http_port():
    """A server that speaks HTTP: tells what it was asked, as JSON; /large: 20 MB."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = json.dumps({'method': self.command, 'path': self.path}).encode()
            if self.path == '/large':
                body = b'"' + b'x' * (20 << 20) + b'"'
            self.send_response(404 if self.path == '/missing' else 200)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            if self.command != 'HEAD':
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = answer

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sources(admin):
    """Adds data sources, which are removed afterwards: sources(id, type, config)."""
    made = []

    def add(identity, type, config):
        made.append(admin.add('data-sources', id=identity, type=type, configJSON=config))
        return identity

    yield add
    for identity in made:
        admin.get(f'/api/v1/data-sources/{identity}/do/delete')


def refused(admin, identity, type, config, reason='ConnectingToDataSourceFailed'):
    value = bad(admin.post('/api/v1/data-sources/do/add', {'data': {
        'id': identity, 'type': type, 'configJSON': config}}), f'EClientBadRequest.{reason}', 400)
    assert admin.list('data-sources', id=identity) == []
    return value


def query(api, identity, statement, **more):
    return api.post(f'/api/v1/data-sources/{identity}/do/query',
                    {'queryStatement': statement, **more})


def local(port, **more):
    return {'host': '127.0.0.1', 'port': port, **more}


def test_a_source_that_can_be_reached_is_added_tested_and_asked(node, admin, sources, redis_port):
    sources('s_redis', 'redis', local(redis_port, password=SECRET))
    assert admin.read('/api/v1/data-sources/s_redis/do/test') == {'checkResult': 'OK'}
    assert good(query(admin, 's_redis', 'SET "a key" ä'))['data'] is True
    assert good(query(admin, 's_redis', 'GET "a key"'))['data'] == 'ä'
    assert good(query(admin, 's_redis', 'KEYS *', returnType='json'))['data'] == ['a key']
    assert good(query(admin, 's_redis', 'KEYS *', returnType='repr'))['data'] == "['a key']"
    assert good(query(admin, 's_redis', 'KEYS *', database='3', returnType=None))['data'] == []
    value = bad(query(admin, 's_redis', 'NO SUCH'), 'EClientBadRequest.QueryFailed', 400)
    assert value['detail']['etype'] == 'ResponseError' and 'NO' in value['detail']['message']
    assert SECRET not in json.dumps(value)


def test_what_cannot_be_connected_to_is_not_stored(node, admin, redis_port):
    detail = refused(admin, 's_wrong', 'redis', local(redis_port, password='wrong-hidden-7f31'))['detail']
    assert 'username-password' in detail['message'], detail
    detail = refused(admin, 's_away', 'redis', local(free_port()))['detail']
    assert detail['etype'] == 'ConnectionError'
    # types without a connector of their own: the server must take a connection
    for type, config in (('mongodb', local(free_port())), ('mqtt', local(free_port())),
                         ('memcached', {'servers': f'127.0.0.1:{free_port()}'}),
                         ('nsq', {}), ('influxdb', local(free_port()))):
        assert refused(admin, 's_away', type, config)['detail']['etype']
    assert node.redis('KEYS', 'dff:source-trial:*') == []
    assert 'wrong-hidden-7f31' not in node.log_text()


def test_a_modified_config_is_tried_with_the_secret_that_is_stored(node, admin, sources,
                                                                   redis_port):
    sources('s_redis', 'redis', local(redis_port, password=SECRET))
    path = '/api/v1/data-sources/s_redis/do/modify'
    admin.modify('data-sources', 's_redis', title='only the title')
    admin.modify('data-sources', 's_redis', configJSON=local(redis_port, database=2))
    assert admin.read('/api/v1/data-sources/s_redis/do/test') == {'checkResult': 'OK'}
    for config in (local(redis_port, password='wrong'), local(redis_port, password=None),
                   local(free_port())):
        bad(admin.post(path, {'data': {'configJSON': config}}),
            'EClientBadRequest.ConnectingToDataSourceFailed', 400)
    [row] = admin.list('data-sources', id='s_redis')
    assert row['configJSON'] == local(redis_port, database=2) and row['title'] == 'only the title'
    assert admin.read('/api/v1/data-sources/s_redis/do/test') == {'checkResult': 'OK'}
    bad(admin.post('/api/v1/data-sources/nothing/do/modify',
                   {'data': {'configJSON': local(redis_port)}}), 'EClientNotFound', 404)


def test_a_server_that_says_nothing_is_given_up(node, admin, silent_port):
    began = time.monotonic()
    value = refused(admin, 's_silent', 'redis', local(silent_port))
    assert value['detail'] == {'etype': 'TimeoutError'}
    assert 2.5 < time.monotonic() - began < 9


def test_a_query_that_takes_too_long_is_a_timeout(admin, sources, redis_port):
    sources('s_redis', 'redis', local(redis_port, password=SECRET))
    value = bad(query(admin, 's_redis', 'BLPOP nothing 60'), 'EClientBadRequest.QueryTimeout', 400)
    assert value['detail'] == {'etype': 'TimeoutError'}


def test_missing_fields_are_told_with_all_of_the_type(admin):
    value = refused(admin, 's_my', 'mysql', {'host': 'x'}, 'InvalidDataSourceConfigJSON')
    assert value['detail'] == {
        'requiredFields': ['host', 'database', 'user', 'password', 'charset'],
        'optionalFields': ['port']}
    value = refused(admin, 's_dw', 'df_dataway', {}, 'InvalidDataSourceConfigJSON')
    assert value['detail'] == {'requiredFields': ['host', 'port'], 'optionalFields': [
        'protocol', 'token', 'accessKey', 'secretKey']}
    assert refused(admin, 's_my', 'redis', {'host': 'x', 'nothing': 1},
                   'InvalidDataSourceConfigJSON')['detail']['requiredFields'] == [
        'host', 'database']


def test_servers_that_speak_http(admin, sources, http_port):
    sources('s_http', 'http', local(http_port))
    assert good(query(admin, 's_http', 'GET /a?b=c'))['data'] == {
        'method': 'GET', 'path': '/a?b=c'}
    value = bad(query(admin, 's_http', 'GET /missing'), 'EClientBadRequest.QueryFailed', 400)
    assert 'HTTP 404' in value['detail']['message']
    value = bad(query(admin, 's_http', 'GET /large'), 'EClientBadRequest.QueryFailed', 400)
    assert '16 MB' in value['detail']['message']
    value = bad(query(admin, 's_http', 'GET http://other/'), 'EClientBadRequest.QueryFailed', 400)
    sources('s_influx', 'influxdb', local(http_port, database='d'))
    assert good(query(admin, 's_influx', 'SHOW DATABASES', database='e'))['data']['path'] \
        == '/query?q=SHOW+DATABASES&db=e'
    sources('s_es', 'elasticsearch', local(http_port))
    assert good(query(admin, 's_es', 'GET /_cat?v'))['data']['path'] == '/_cat?v'
    sources('s_dw', 'df_dataway', local(http_port))
    assert good(query(admin, 's_dw', 'anything'))['data'] is None


def test_a_type_without_a_connector_takes_no_query(admin, sources, silent_port):
    sources('s_mongo', 'mongodb', local(silent_port))
    value = bad(query(admin, 's_mongo', '{}'), 'EClientBadRequest.QueryFailed', 400)
    assert value['detail']['etype'] == 'NotSupportException'
    assert 'python3-pymongo' in value['detail']['message']


@pytest.mark.parametrize('body, field', [
    ({}, 'queryStatement'), ({'queryStatement': ''}, 'queryStatement'),
    ({'queryStatement': 1}, 'queryStatement'), ({'queryStatement': 'x', 'returnType': 'xml'},
                                                'returnType'),
    ({'queryStatement': 'x', 'database': 1}, 'database'), ({'queryStatement': 'x', 'a': 1}, 'a')])
def test_a_bad_query_names_the_field(admin, body, field):
    value = bad(admin.post('/api/v1/data-sources/x/do/query', body), 'EClientBadRequest', 400)
    assert field in value['message']


def test_unknown_and_built_in_sources(node, admin, sources, redis_port):
    bad(query(admin, 'nothing', 'x'), 'EClientNotFound', 404)
    assert bad(admin.get('/api/v1/data-sources/nothing/do/test'), 'EClientNotFound', 404)[
        'detail'] == {'entity': 'data source', 'id': 'nothing'}
    sources('s_redis', 'redis', local(redis_port, password=SECRET))
    database = node.setting('MYSQL_DATABASE')
    node.mysql(f"UPDATE {database}.data_source SET isBuiltin = 1 WHERE id = 's_redis'")
    bad(admin.post('/api/v1/data-sources/s_redis/do/modify',
                   {'data': {'configJSON': local(redis_port)}}),
        'EBizCondition.ModifyingBuiltinDataSourceNotAllowed', 403)
    bad(admin.get('/api/v1/data-sources/s_redis/do/delete'),
        'EBizCondition.DeletingBuiltinDataSourceNotAllowed', 403)
    node.mysql(f"UPDATE {database}.data_source SET isBuiltin = 0 WHERE id = 's_redis'")


def test_who_may_ask(node, admin):
    with roles.everyone(node) as people:
        roles.check_roles(people, lambda api: query(api, 'nothing', 'x'), roles.WRITERS)
        roles.check_roles(people, lambda api: api.get('/api/v1/data-sources/nothing/do/test'),
                          roles.WRITERS)


def test_the_secrets_of_a_trial_are_nowhere(node, admin, silent_port):
    """While the worker tries, what waits for it in Redis is sealed."""
    found = {}

    def look():
        for key in node.redis('KEYS', 'dff:*'):
            if key.startswith(('dff:started:', 'dff:claimed:', 'dff:queue:', 'dff:source-trial:')):
                kind = node.redis('TYPE', key)
                found[key] = str(node.redis('HGETALL', key) if kind == 'hash' else
                                 node.redis('LRANGE', key, 0, -1) if kind == 'list' else
                                 node.redis('GET', key))
        return any(key.startswith('dff:started:') for key in found)

    thread = threading.Thread(target=refused, args=(
        admin, 's_silent', 'redis', local(silent_port, password=SECRET)))
    thread.start()
    try:
        wait_until(look, 5, 'the job')
    finally:
        thread.join()
    assert found and SECRET not in str(found)
