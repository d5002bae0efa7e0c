"""Script sets and scripts through the API: drafts, locks, publishing, clones."""

import concurrent.futures
import os
import signal
import socket
import time

import pytest

from api import Api, bad, good, signed_in
from node import wait_until
from pair import api_processes
from scripts import CODE, md5, publish, script_with


@pytest.fixture(scope='module')
def other(session_node, admin):
    """Another user, who may write."""
    identity = admin.add('users', username='script-user', password='pw', name='S',
                         roles=['user'])
    yield signed_in(session_node, 'script-user', 'pw')
    admin.delete('users', identity)


def test_a_script_from_its_draft_to_a_call(node, admin, tset):
    # a script of its own: the history of one outlives it
    admin.add('scripts', id='tset__first', title='One', codeDraft=CODE)
    row = admin.read('/api/v1/scripts/tset__first/do/get')
    assert (row['code'], row['publishVersion'], row['type']) == (None, 0, 'python')
    assert row['codeDraft'] == CODE and row['codeDraftMD5'] == md5(CODE)

    data = good(publish(admin, 'tset__first', data={'note': 'first'}))['data']
    assert (data['id'], data['publishVersion']) == ('tset__first', 1)
    [func] = data['exportedAPIFuncs']
    assert func['name'] == 'twice' and func['title'] == 'Twice' and func['defOrder'] == 0
    assert func['definition'] == 'twice(x, by=2)' and func['args'] == ['x', 'by']
    assert func['kwargs'] == {'x': {}, 'by': {'default': 2}} and func['tags'] == ['a', 'b']
    assert func['description'].startswith('Doubles.')

    admin.add('auth-links', id='auln-tset', funcId='tset__first.twice', funcCallKwargsJSON={})
    assert node.call('auln-tset', x=4).json == 8
    [row] = admin.list('script-publish-history', scriptId='tset__first')
    assert (row['scriptPublishVersion'], row['note']) == (1, 'first')
    [row] = admin.list('funcs', scriptId='tset__first')
    assert row['id'] == 'tset__first.twice' and row['scpt_publishVersion'] == 1
    assert admin.read('/api/v1/func/tset__first.twice')['name'] == 'twice'
    bad(admin.get('/api/v1/func/tset__first.nothing'), 'EClientNotFound', 404)

    # a new version is live when it is answered
    for n in range(3, 6):
        admin.modify('scripts', 'tset__first', codeDraft=CODE.replace('by=2', f'by={n}'))
        assert good(publish(admin, 'tset__first'))['data']['publishVersion'] == n - 1
        assert node.call('auln-tset', x=4).json == 4 * n

    admin.delete('scripts', 'tset__first')
    wait_until(lambda: node.call('auln-tset', x=4).status == 404, 0.2)
    [row] = admin.list('auth-links', id='auln-tset')
    assert row['funcId'] == 'tset__first.twice' and row['func_id'] is None
    admin.delete('auth-links', 'auln-tset')


def test_a_publish_goes_on_when_its_client_leaves(node, admin, tset):
    admin.add('scripts', id='tset__left', codeDraft='import time\ntime.sleep(1)\n' + CODE)
    body = b'{"data":{"note":"left"}}'
    with socket.create_connection(('127.0.0.1', node.port)) as client:
        client.sendall(b'POST /api/v1/scripts/tset__left/do/publish HTTP/1.1\r\nHost: x\r\n'
                       b'Content-Type: application/json\r\nX-Trace-Id: trace-of-leaver\r\n'
                       b'X-Dff-Auth-Token: %s\r\nContent-Length: %d\r\n\r\n%s'
                       % (admin.token.encode(), len(body), body))
        wait_until(lambda: any(node.redis('HLEN', key) for key in
                               node.redis('KEYS', 'dff:started:*')), 10, 'the check')
    [row] = wait_until(lambda: admin.list('script-publish-history', scriptId='tset__left'), 10,
                       'the published version')
    assert row['note'] == 'left'
    [record] = wait_until(lambda: admin.list('operation-records', traceId='trace-of-leaver'), 10,
                          'the record')
    assert record['respStatusCode'] == 200 and record['reqParamsJSON'] == {'id': 'tset__left'}


def test_tabs_become_spaces_and_a_missing_draft_a_sample(admin, tset):
    admin.add('scripts', id='tset__a', codeDraft='if 1:\n\tx = "\t"\n')
    row = admin.read('/api/v1/scripts/tset__a/do/get')
    assert row['codeDraft'] == 'if 1:\n    x = "    "\n'
    assert row['codeDraftMD5'] == md5(row['codeDraft'])
    admin.add('scripts', id='tset__b')
    assert 'DFF.API' in admin.read('/api/v1/scripts/tset__b/do/get')['codeDraft']
    good(publish(admin, 'tset__b'))
    [row] = admin.list('scripts', id='tset__a')
    assert 'codeDraft' not in row and 'code' not in row and row['sset_title'] == 'A set'
    assert row['isLocked'] is False
    assert [r['id'] for r in admin.list('scripts', scriptSetId='tset')] == ['tset__a', 'tset__b']
    assert [r['id'] for r in admin.list('scripts', scriptSetId='tset', _fulltextSearchField='x',
                                        _fulltextSearchWord='if 1')] == ['tset__a']


def test_a_draft_that_somebody_has_changed_is_not_overwritten(admin, tset):
    script_with(admin, 'a = 1\n')
    answer = admin.write('/api/v1/scripts/tset__one/do/modify', {'codeDraft': 'a = 2\n'})
    assert answer == {'id': 'tset__one', 'codeDraftMD5': md5('a = 2\n')}
    path = '/api/v1/scripts/tset__one/do/modify'
    value = bad(admin.post(path, {'prevCodeDraftMD5': md5('a = 1\n'),
                                  'data': {'codeDraft': 'a = 3\n'}}),
                'EBizRequestConflict.scriptDraftAlreadyChanged', 409)
    assert value['error'] == 409.25
    assert admin.read('/api/v1/scripts/tset__one/do/get')['codeDraft'] == 'a = 2\n'
    good(admin.post(path, {'prevCodeDraftMD5': md5('a = 2\n'), 'data': {'codeDraft': 'a = 4\n'}}))
    assert admin.modify('scripts', 'tset__one', title='T') == {
        'id': 'tset__one', 'codeDraftMD5': None}

    before = admin.list('operation-records', pageSize=1)[0]['seq']
    good(admin.post(path, {'prevCodeDraftMD5': md5('a = 4\n'), 'data': {'codeDraft': 'a = 5\n'}}))
    assert admin.list('operation-records', pageSize=1)[0]['seq'] == before


def test_of_two_writers_one_wins(admin, tset):
    script_with(admin, 'a = 0\n')
    body = {'prevCodeDraftMD5': md5('a = 0\n')}

    def write(n):
        return admin.post('/api/v1/scripts/tset__one/do/modify',
                          {**body, 'data': {'codeDraft': f'a = {n}\n'}}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(1, 9))) == [200] + [409] * 7


def test_locks(admin, other, tset):
    script_with(admin, 'a = 1\n')
    admin.modify('script-sets', 'tset', isLocked=True)
    [row] = admin.list('script-sets', id='tset')
    assert row['isLocked'] is True and row['lockedByUserId'] == 'u-admin'
    assert other.list('scripts', id='tset__one')[0]['isLocked'] is True
    refusals = [
        ('script-sets/tset/do/modify', {'data': {'title': 'x'}}, 'ModifyingScriptSetNotAllowed'),
        ('script-sets/tset/do/delete', None, 'DeletingScriptSetNotAllowed'),
        ('scripts/do/add', {'data': {'id': 'tset__two'}}, 'AddingScriptNotAllowed'),
        ('scripts/tset__one/do/modify', {'data': {'title': 'x'}}, 'ModifyingScriptNotAllowed'),
        ('scripts/tset__one/do/delete', None, 'DeletingScriptNotAllowed'),
        ('scripts/tset__one/do/publish', {}, 'ModifyingScriptNotAllowed'),
    ]
    for path, body, sub in refusals:
        bad(other.post('/api/v1/' + path, body), 'EBizCondition.' + sub, 403)
    admin.modify('script-sets', 'tset', isLocked=None, title='mine')
    bad(other.post('/api/v1/scripts/tset__one/do/publish', {}),
        'EBizCondition.ModifyingScriptNotAllowed')
    admin.modify('script-sets', 'tset', isLocked=False)
    admin.modify('scripts', 'tset__one', isLocked=True)
    for path, body, sub in refusals[1:2] + refusals[3:]:
        bad(other.post('/api/v1/' + path, body), 'EBizCondition.' + sub, 403)
    other.modify('script-sets', 'tset', title='theirs')
    admin.modify('scripts', 'tset__one', isLocked=False, title='free')
    other.modify('scripts', 'tset__one', title='theirs')


def test_nothing_edited_is_not_published_unless_forced(admin, tset):
    script_with(admin, CODE)
    good(publish(admin, 'tset__one'))
    bad(publish(admin, 'tset__one'), 'EBizCondition.ScriptNotEdited', 403)
    assert good(publish(admin, 'tset__one', force=True, wait=True))['data']['publishVersion'] == 2
    bad(publish(admin, 'tset__none'), 'EClientNotFound', 404)
    bad(publish(admin, 'none'), 'EClientNotFound', 404)
    bad(publish(admin, 'tset__one', force='yes'), 'EClientBadRequest', 400)


@pytest.mark.parametrize('code, etype', [
    ('1 / 0\n', 'ZeroDivisionError'), ('def x(:\n', 'SyntaxError'),
    ('import nothing_like_this\n', 'ModuleNotFoundError')])
def test_a_script_that_raises_is_refused_and_nothing_is_changed(admin, tset, code, etype):
    script_with(admin, CODE)
    good(publish(admin, 'tset__one'))
    admin.modify('scripts', 'tset__one', codeDraft=code)
    value = bad(publish(admin, 'tset__one'), 'EScriptPreCheck', 599)
    assert value['error'] == 599.2 and value['detail']['id'] == 'tset__one'
    assert value['detail']['etype'] == etype and etype in value['detail']['einfoTEXT']
    assert set(value['detail']['traceInfo']) == {'header', 'exceptionDump', 'stack'}
    row = admin.read('/api/v1/scripts/tset__one/do/get')
    assert row['publishVersion'] == 1 and row['code'] == CODE and row['codeDraft'] == code


def test_a_function_exported_twice_is_refused(admin, tset):
    script_with(admin, CODE + CODE)
    answer = publish(admin, 'tset__one')
    assert answer.status in (409, 599), answer
    if answer.status == 409:
        assert bad(answer, 'EClientDuplicated')['detail'] == {'funcName': 'twice'}


def test_a_script_that_never_ends_is_a_timeout_and_others_are_served(node, admin, tset):
    script_with(admin, 'import time\ntime.sleep(2)\n' + CODE)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(publish, admin, 'tset__one')
        time.sleep(0.3)
        begin = time.monotonic()
        for _ in range(4):      # as many as there are api processes, and more
            admin.list('scripts')
        assert time.monotonic() - begin < 1.5
        assert good(slow.result())['data']['publishVersion'] == 1


def test_two_who_publish_at_once_both_succeed_or_one_is_told(admin, tset):
    script_with(admin, CODE, 'tset__race')
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: publish(admin, 'tset__race'), range(4)))
    good_ones = [a for a in answers if a.status == 200]
    assert len(good_ones) == 1
    for answer in answers:
        if answer.status != 200:
            bad(answer, 'EBizCondition.ScriptNotEdited')
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: publish(admin, 'tset__race', force=True), range(4)))
    versions = sorted(good(a)['data']['publishVersion'] for a in answers)
    assert versions == [2, 3, 4, 5]
    assert len(admin.list('script-publish-history', scriptId='tset__race')) == 5


def test_a_script_of_1_mb_and_one_that_is_too_large(admin, tset):
    code = CODE + '#' + 'x' * (1 << 20) + '\n'
    script_with(admin, code)
    good(publish(admin, 'tset__one'))
    assert admin.read('/api/v1/scripts/tset__one/do/get')['code'] == code
    bad(admin.post('/api/v1/scripts/tset__one/do/modify',
                   {'data': {'codeDraft': 'x' * ((2 << 20) + 1)}}), 'EClientBadRequest', 400)


@pytest.mark.parametrize('identity', [
    'a__b', 'a b', '', '1a', 'x' * 65, "a'b", 'a/../b', '中', None, '__a'])
def test_what_a_set_must_not_be_called(admin, identity):
    bad(admin.post('/api/v1/script-sets/do/add', {'data': {'id': identity}}),
        'EClientBadRequest', 400)


def test_what_a_script_must_not_be_called(admin, tset):
    for identity in ('tset', 'tset_a', 'tset__', 'tset__a-b', 'tset__' + 'x' * 60, '__x'):
        bad(admin.post('/api/v1/scripts/do/add', {'data': {'id': identity}}),
            'EClientBadRequest', 400)
    value = bad(admin.post('/api/v1/scripts/do/add', {'data': {'id': 'noset__x'}}),
                'EClientNotFound', 404)
    assert value['detail'] == {'entity': 'script set', 'id': 'noset'}
    script_with(admin, CODE)
    bad(admin.post('/api/v1/scripts/do/add', {'data': {'id': 'tset__one'}}),
        'EBizCondition.DuplicatedScriptID', 403)
    bad(admin.post('/api/v1/script-sets/do/add', {'data': {'id': 'tset'}}),
        'EBizCondition.DuplicatedScriptSetID', 403)


def test_a_set_is_cloned_with_its_scripts_and_functions(node, admin, tset):
    admin.get('/api/v1/script-sets/tset_clone/do/delete')
    script_with(admin, CODE)
    good(publish(admin, 'tset__one'))
    admin.add('scripts', id='tset__draft', codeDraft='a = 1\n')
    path = '/api/v1/script-sets/tset/do/clone'
    assert good(admin.post(path, {'newId': 'tset_clone'}))['data'] == {'id': 'tset_clone'}
    rows = {r['id']: r['publishVersion'] for r in admin.list('scripts', scriptSetId='tset_clone')}
    assert rows == {'tset_clone__one': 1, 'tset_clone__draft': 0}
    assert good(admin.post('/api/v1/func/tset_clone__one.twice', {'kwargs': {'x': 3}}))[
        'data'] == {'result': 6}
    bad(admin.post(path, {'newId': 'tset_clone'}), 'EBizCondition.DuplicatedScriptSetID')
    bad(admin.post(path, {'newId': 'a__b'}), 'EClientBadRequest')
    bad(admin.post('/api/v1/script-sets/tset_none/do/clone', {'newId': 'x'}), 'EClientNotFound')
    bad(admin.post(path, {'newId': 'x' * 62}), 'EClientBadRequest', 400)
    admin.delete('script-sets', 'tset_clone')
    wait_until(lambda: admin.post('/api/v1/func/tset_clone__one.twice', {}).status == 404, 0.2)
    assert node.redis('HKEYS', 'dff:scripts') and not [
        k for k in node.redis('HKEYS', 'dff:scripts') if k.startswith('tset_clone')]


def test_documented_functions_and_tags(node, admin, tset):
    script_with(admin, CODE.replace("['b', 'a']", "['t1.x', 't1.y|z', 't2']"))
    good(publish(admin, 'tset__one'))
    [row] = admin.read('/api/v1/func-list', scriptId='tset__one')
    assert row['url'] == '/api/v1/func/tset__one.twice' and row['scriptSetTitle'] == 'A set'
    assert admin.read('/api/v1/func-list', scriptId='tset__one', tags='t2,t1.x')
    assert admin.read('/api/v1/func-list', scriptId='tset__one', tags='t2,none') == []
    tags = ['t1.x', 't1.y|z', 't2']
    assert admin.read('/api/v1/func-tag-list', scriptId='tset__one') == tags
    for pattern, found in (('t1.*', tags[:1]), ('t1.**', tags[:2]), ('*', tags[2:]),
                           ('**', tags), ('t*.x', tags[:1]), ('x', []), ('t1.*|z', tags[1:2])):
        assert admin.read('/api/v1/func-tag-list', scriptId='tset__one', tagPattern=pattern) \
            == found, pattern
    bad(admin.get('/api/v1/func-tag-list', nothing=1), 'EClientBadRequest')

    link = admin.add('auth-links', funcId='tset__one.twice', funcCallKwargsJSON={},
                     showInDoc=True)
    [row] = good(Api(node).get('/api/v1/auth-link-func-list', funcId='tset__one.twice'))['data']
    assert row['url'] == '/api/v1/al/' + link and row['funcArgsJSON'] == ['x', 'by']
    admin.modify('auth-links', link, showInDoc=False)
    assert good(Api(node).get('/api/v1/auth-link-func-list', funcId='tset__one.twice'))[
        'data'] == []
    admin.delete('auth-links', link)


def test_the_death_of_an_api_process_in_mid_publish_leaves_a_version_whole(node, admin, tset):
    script_with(admin, CODE)
    good(publish(admin, 'tset__one'))
    admin.add('auth-links', id='auln-mid', funcId='tset__one.twice', funcCallKwargsJSON={'x': 1})
    node.allow('api process', 'killed', 'signal')
    for n in range(3, 6):
        admin.modify('scripts', 'tset__one', codeDraft='import time\ntime.sleep(0.3)\n'
                     + CODE.replace('by=2', f'by={n}'))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(publish, admin, 'tset__one')
            time.sleep(0.15 * (n - 2))
            for pid in api_processes(node):
                os.kill(pid, signal.SIGKILL)
            future.result()
        wait_until(lambda: admin.get('/api/v1/scripts/tset__one/do/get').status == 200, 10)
        row = admin.read('/api/v1/scripts/tset__one/do/get')
        [func] = admin.list('funcs', scriptId='tset__one')
        default = func['kwargsJSON']['by']['default']
        assert f'by={default}' in row['code'] and row['codeMD5'] == md5(row['code'])
    admin.delete('auth-links', 'auln-mid')
    node.forget_records_writer()
