"""What all routes have in common (compression, preflights, fields), and small facts of some."""

import gzip
import hashlib
import json
import re

import pytest

from api import Api, good

LIST = '/api/v1/funcs/do/list'


def test_the_root_leads_to_the_web_client(node):
    answer = node.get('/')
    assert answer.status == 302
    # Whoever came through a proxy knows another host, port and scheme.
    assert answer.headers['location'] == '/client-app'
    assert node.get('/api').headers['location'] == '/api/'


def test_what_is_nowhere_is_404_and_no_error_of_nginx(node):
    ends = node.log_ends()
    assert node.get('/nothing/here').status == 404
    assert '/nothing/here' not in node.log_since(ends), 'whoever scans the port fills the log'


def test_an_answer_is_compressed_for_who_accepts_it(node, admin):
    plain = admin.get(LIST, pageSize=100)
    assert 'content-encoding' not in plain.headers
    small = node.get(LIST, pageSize=100, headers={
        'X-Dff-Auth-Token': admin.token, 'Accept-Encoding': 'gzip'})
    assert small.headers['content-encoding'] == 'gzip' and len(small.body) < len(plain.body) / 2
    assert json.loads(gzip.decompress(small.body))['data'] == plain.json['data']


@pytest.mark.parametrize('path', [LIST, '/api/v1/al/auln-plus'])
def test_a_preflight_holds_for_a_day(node, path):
    answer = node.request('OPTIONS', path, headers={
        'Origin': 'http://other.example', 'Access-Control-Request-Method': 'GET'})
    assert answer.status == 200 and answer.body == b''
    assert answer.headers['access-control-max-age'] == '86400'
    assert answer.headers['access-control-allow-origin'] == 'http://other.example'


@pytest.mark.parametrize('fields, keys', [
    ('id,username', {'id', 'username'}), ('id, none', {'id'}),
    ('-id,username', None), ('-,id,username', None)])
def test_fields_are_kept_or_removed(admin, fields, keys):
    every = set(admin.list('users')[0])
    keys = every - {'id', 'username'} if keys is None else keys
    assert all(set(row) == keys for row in admin.list('users', fields=fields))


def test_the_newest_migration_is_told_without_its_text(node):
    every = good(Api(node).get('/api/v1/upgrade-info'))['data']
    assert [row['seq'] for row in every] == list(range(1, len(every) + 1))
    assert all(row['database'] == '' for row in every)
    for seq, rows in (('latest', every[-1:]), (every[1]['seq'], every[2:])):
        assert good(Api(node).get('/api/v1/upgrade-info', seq=seq))['data'] == rows


def test_a_new_script_begins_with_a_sample_that_can_be_run(admin):
    admin.add('script-sets', id='sampled')
    try:
        admin.add('scripts', id='sampled__one')
        row = admin.read('/api/v1/scripts/sampled__one/do/get')
        assert row['code'] is None and row['publishVersion'] == 0
        assert row['codeDraftMD5'] == hashlib.md5(row['codeDraft'].encode()).hexdigest()
        name = re.search(r'@DFF\.API\(.*\)\ndef (\w+)\(', row['codeDraft'])[1]
        answer = good(admin.post(f'/api/v1/func-draft/sampled__one.{name}', {'kwargs': {}}))
        result = answer['data']['result']
        assert [func['name'] for func in result['exportedAPIFuncs']] == [name]
        assert result['funcResult']['raw']
    finally:
        admin.delete('script-sets', 'sampled')
