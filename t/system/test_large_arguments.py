"""Arguments travel once, and stay no longer than somebody may need them."""

import json
import pathlib
import re

import pytest

import script_node
from batches import call_batch, result_of
from node import wait_until
from sanitized import SANITIZED

SCRIPT = '''
import time


@DFF.API('What it got', timeout=60, api_timeout=60)
def got(**kwargs):
    return {'kwargs': kwargs, 'body': _DFF_HTTP_REQUEST['body']}


@DFF.API('Sleeps', timeout=60, api_timeout=60)
def slow(seconds, **kwargs):
    time.sleep(seconds)
    return len(kwargs['data'])


@DFF.API('Sleeps, and may be started again', timeout=60, api_timeout=60, retry_on_lost=True)
def again(seconds, **kwargs):
    time.sleep(seconds)
    return len(kwargs['data'])
'''

# An API auth that is a function: it says what it got by letting the caller in.
JUDGE = '''
@DFF.API('Lets in who sends it the whole body')
def judge(req):
    return len(req['body']['kwargs']['data']) == 4000
'''

FIELD = {'fields': [{'location': 'body', 'name': 'token', 'value': 'swordfish-1'}]}
FIXED = '{"name":"\\u00e9","fixed":[1,2],"data":"INPUT_BY_CALLER","more":"FROM_PARAMETER"}'


@pytest.fixture(scope='module')
def own(test_folder, session_node):
    with script_node.running(test_folder, session_node) as node:
        node.ctl('script', 'publish', '-', '--id', 't__large', stdin=SCRIPT)
        for name in ('got', 'slow', 'again'):
            node.ctl('link', 'add', f't__large.{name}', '--id', f'auln-{name}')
            node.ctl('batch', 'add', f't__large.{name}', '--id', f'bat-{name}')
        node.ctl('link', 'add', 't__large.got', '--id', 'auln-fixed', '--kwargs', FIXED)
        node.ctl('link', 'add', 't__large.slow', '--id', 'auln-now', '--kwargs', '{"seconds":0}')
        node.ctl('script', 'publish', '-', '--id', 't__judge', stdin=JUDGE)
        for kind, config in (('fixedField', FIELD), ('func', {'funcId': 't__judge.judge'})):
            node.ctl('api-auth', 'add', '--type', kind, '--config', json.dumps(config),
                     '--id', f'apia-{kind}')
            node.ctl('link', 'add', 't__large.got', '--id', f'auln-{kind}',
                     '--api-auth', f'apia-{kind}')
        yield node


def send(node, path, text):
    return node.request('POST', path, text.encode(), {'Content-Type': 'application/json'})


LARGE = '"' + 'é"\\/'.replace('"', '\\"') * 1000 + '"'

# As callers write it: spaces, escapes, big numbers, members that nobody reads, and that repeat.
BODIES = {
    'in front': '{"kwargs": {"data": %s, "more": 1.10 }, "options": {"timeout": 20}}' % LARGE,
    'at the end': '\n{ "x" : [null] , "kwargs" :\t{ "data" : %s } } ' % LARGE,
    'twice': '{"kwargs": {"data": 1}, "kwargs": {"data": 2, "data": %s}}' % LARGE,
    'escaped': '{"k\\u0077args": {"d\\u0061ta": %s}}' % LARGE,
    'many': '{"kwargs": {%s}}' % ', '.join('"k%d" : 12345678901234567890123' % i for i in range(500)),
    'wide': '{"kwargs": {"data":%s1%s}%s}' % (3 * (600 * ' ',)),
    'wide and empty': '{"kwargs": {%s}%s}' % (2 * (600 * '\n',)),
    'null': '{"x": %s, "kwargs": null}' % LARGE,
    'more than once': '{"kwargs": {"data": %s}, "again": {"kwargs": {"data": %s}}}' % (2 * (LARGE,)),
    'of names': '{"kwargs": {"%s": 1}}' % (1000 * '\\u0041'),
    'as small as it may be': '{"kwargs": {"data":"%s"}}' % (501 * 'x'),
    'one less': '{"kwargs": {"data":"%s"}}' % (500 * 'x'),
    'small': '{"kwargs": {"data": "x"}}',
    'none': '{"data": %s}' % LARGE,
}


@pytest.mark.parametrize('which', BODIES)
def test_a_function_sees_the_whole_body_beside_its_arguments(own, which):
    body = json.loads(BODIES[which])
    assert send(own, '/api/v1/al/auln-got', BODIES[which]).json == {
        'kwargs': body.get('kwargs') or {}, 'body': body}


@pytest.mark.parametrize('which', BODIES)
def test_fixed_arguments_are_not_in_the_body(own, which):
    body = json.loads(BODIES[which])
    assert send(own, '/api/v1/al/auln-fixed', BODIES[which]).json == {
        'kwargs': {'name': 'é', 'fixed': [1, 2], **(body.get('kwargs') or {})}, 'body': body}


@pytest.mark.parametrize('link', ('got', 'fixed'))
def test_a_simplified_body_is_whole_too(own, link):
    answer = send(own, f'/api/v1/al/auln-{link}/simplified', ' {"data": %s} ' % LARGE).json
    assert answer['body'] == json.loads('{"data": %s}' % LARGE)
    assert answer['kwargs']['data'] == answer['body']['data']


def test_an_api_auth_cuts_its_field_out_of_a_body_that_has_arguments(own):
    kwargs = '"kwargs": {"data": %s}' % LARGE
    for text in ('{"token": "swordfish-1", %s}', '{%s, "token": "swordfish-1" }'):
        answer = send(own, '/api/v1/al/auln-fixedField', text % kwargs)
        expected = json.loads('{%s}' % kwargs)
        assert answer.json == {**expected, 'body': expected}
    assert send(own, '/api/v1/al/auln-fixedField', '{%s}' % kwargs).status == 401


def test_an_api_auth_and_the_function_behind_it_both_see_the_whole_body(own):
    body = {'kwargs': {'data': 'x' * 4000}}
    assert send(own, '/api/v1/al/auln-func', json.dumps(body)).json == {**body, 'body': body}


def test_arguments_of_a_query_are_not_looked_for_in_the_body(own):
    kwargs = {'data': 'x' * 2000}
    query = 'kwargs=' + json.dumps(kwargs, separators=(',', ':'))
    answer = own.request('GET', f'/api/v1/al/auln-got?{query}',
                         json.dumps({'kwargs': kwargs}).encode(),
                         {'Content-Type': 'application/json'}).json
    assert answer['kwargs'] == kwargs and answer['body'] in (None, {'kwargs': kwargs})


def test_a_form_that_is_json_too_is_whole(own):
    form = '{"a":"&kwargs={%s}&"}' % (600 * ' ')
    assert own.request('POST', '/api/v1/al/auln-got', form.encode(),
                       {'Content-Type': 'application/x-www-form-urlencoded'}).json == {
        'kwargs': {}, 'body': json.loads(form)}


def test_a_flattened_body_and_a_form_are_whole_too(own):
    answer = send(own, '/api/v1/al/auln-got/flattened', '{"kwargs_data": %s}' % LARGE).json
    assert answer == {'kwargs': {'data': json.loads(LARGE)},
                      'body': {'kwargs_data': json.loads(LARGE)}}
    form = 'kwargs=' + '{"data":"' + 'x' * 2000 + '"}'
    answer = own.request('POST', '/api/v1/al/auln-got', form.encode(),
                         {'Content-Type': 'application/x-www-form-urlencoded'}).json
    assert answer == {'kwargs': {'data': 'x' * 2000}, 'body': form}


def grown_kib(node, call):
    """By how much the nginx workers were larger than now, at most, while they did a call."""
    folders = [pathlib.Path('/proc', str(pid)) for pid in node.processes('nginx')
               if pid != node.pid('nginx')]

    def total(field):
        return sum(int(re.search(rf'{field}:\s+(\d+)', (folder / 'status').read_text())[1])
                   for folder in folders)

    for folder in folders:
        (folder / 'clear_refs').write_text('5')     # begins a new peak
    before = total('VmRSS')
    assert call().status == 200
    return total('VmHWM') - before


NO_ONE, ARGUMENT = '"":0,', '"kwargs_data":0,'


# MEMBERS is the place of what takes the space.
@pytest.mark.parametrize('path, body, member', (
    ('slow', '{MEMBERS"kwargs":{"seconds":0,"data":""}}', NO_ONE),
    ('slow', '{"kwargs":{MEMBERS"seconds":0,"data":""}}', NO_ONE),
    ('now', '{"kwargs":{MEMBERS"data":""}}', NO_ONE),
    ('now/simplified', '{MEMBERS"data":""}', NO_ONE),
    ('slow/flattened', '{MEMBERS"kwargs_seconds":0,"kwargs_data":""}', NO_ONE),
    ('slow/flattened', '{MEMBERS"kwargs_seconds":0,"kwargs_data":""}', ARGUMENT)))
def test_a_body_of_many_small_members_takes_no_more_memory_than_others(own, path, body, member):
    text = body.replace('MEMBERS', 400_000 * member)
    grown = grown_kib(own, lambda: send(own, f'/api/v1/al/auln-{path}', text))
    # the body, its copies in the job and on the way to Redis: three to five times its size
    assert grown < 6 * len(text) / 1024 or SANITIZED, f'{grown} KiB for {len(text)} bytes'


DATA = 'm' * 50_000


def put(node, func, options=None, **kwargs):
    """The task of a job that nobody waits for, with large arguments."""
    answer = call_batch(node, f'bat-{func}', options, data=DATA, **kwargs)
    assert answer.status == 200, answer
    return answer.json['taskId']


def started_entries(node):
    return node.redis('HVALS', f'dff:started:{node.setting("_NODE_NAME")}')


def result(node, task, seconds=20):
    return wait_until(lambda: (r := result_of(node, task)).status == 200 and
                      r.json['data'].get('result'), seconds, 'its result')


def test_a_job_has_its_arguments_once(own):
    own.stop('executor')
    task = put(own, 'got')
    queue, = own.redis('KEYS', 'dff:queue:*')
    envelope, = own.redis('LRANGE', queue, 0, -1)
    own.start('executor')
    assert DATA in envelope and len(envelope) < len(DATA) + 2000
    assert result(own, task) == {'kwargs': {'data': DATA},
                                 'body': {'kwargs': {'data': DATA}, 'options': {}}}


KEPT = {'slow': False, 'again': True, 'saved': True}


@pytest.mark.parametrize('which', KEPT)
def test_what_has_started_keeps_its_arguments_only_for_who_needs_them(own, which):
    options = {'saveResult': True} if which == 'saved' else None
    task = put(own, 'again' if which == 'again' else 'slow', options, seconds=2)
    entry, = wait_until(lambda: started_entries(own), 10, 'the start')
    assert (DATA in entry) is KEPT[which]
    assert (len(entry) < 2000) is not KEPT[which]
    assert result(own, task) == len(DATA)
    assert started_entries(own) == []


def test_a_lost_job_with_large_arguments_is_answered(own):
    own.allow('is lost: node')
    task = put(own, 'slow', seconds=30)
    wait_until(lambda: started_entries(own), 10, 'the start')
    own.kill('executor')
    own.start('executor')
    wait_until(lambda: 'WorkerLostError' in result_of(own, task).text, 20, 'its answer')
    assert started_entries(own) == []


def test_a_lost_job_that_may_be_started_again_gets_its_arguments_again(own):
    task = put(own, 'again', seconds=3)
    wait_until(lambda: started_entries(own), 10, 'the start')
    own.kill('executor')
    own.start('executor')
    assert result(own, task) == len(DATA)
