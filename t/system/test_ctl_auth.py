"""dffctl api-auth and batch: API auths of links and batches, live at once, without a
secret anywhere that it can be read."""

import base64
import hashlib
import json
import re

import pytest

from node import wait_until

BOB = {'users': [{'username': 'bob', 'password': 'swordfish-1'}]}
FIELD = {'fields': [{'location': 'query', 'name': 'key', 'value': 'swordfish-2'}]}


@pytest.fixture(scope='module', autouse=True)
def script(session_node):
    session_node.ctl('script', 'publish', '-', '--id', 't__guarded', stdin="""
@DFF.API('x')
def ok(**kwargs):
    return 'ok'
""")


def add(node, kind, config, *words, check=True):
    return node.ctl('api-auth', 'add', '--type', kind, '--config', json.dumps(config), *words,
                    check=check)


def guarded(node, auth, link, *words):
    node.ctl('link', 'add', 't__guarded.ok', '--id', link, '--update', '--api-auth', auth, *words)


def status(node, link, password=None, query='', kind='al'):
    headers = {}
    if password:
        pair = base64.b64encode(f'bob:{password}'.encode()).decode()
        headers['Authorization'] = f'Basic {pair}'
    return node.get(f'/api/v1/{kind}/{link}{query}', headers=headers).status


def route(node, link, kind='al'):
    return json.loads(node.redis('GET', f'dff:route:{kind}:{link}'))


def test_an_api_auth_guards_a_link_when_the_command_ends(node):
    auth = add(node, 'httpBasic', BOB, '--name', 'a name').stdout.strip()
    assert auth.startswith('apia-') and len(auth) == 27
    node.ctl('link', 'add', 't__guarded.ok', '--id', 'auln-guard')
    assert status(node, 'auln-guard') == 200
    guarded(node, auth, 'auln-guard')
    assert status(node, 'auln-guard') == 401
    assert status(node, 'auln-guard', 'swordfish-1') == 200

    # --update without --api-auth keeps it, with an empty one it goes
    node.ctl('link', 'add', 't__guarded.ok', '--id', 'auln-guard', '--update')
    assert status(node, 'auln-guard') == 401
    node.ctl('link', 'add', 't__guarded.ok', '--id', 'auln-guard', '--update', '--api-auth', '')
    assert status(node, 'auln-guard') == 200
    assert route(node, 'auln-guard')['apiAuth'] is None


def test_a_changed_api_auth_is_live_on_all_its_links_when_the_command_ends(node):
    add(node, 'httpBasic', BOB, '--id', 'apia-change')
    node.ctl('batch', 'add', 't__guarded.ok', '--id', 'bat-change', '--api-auth', 'apia-change')
    for number in range(3):
        guarded(node, 'apia-change', f'auln-change-{number}')
    for password in ('other', 'swordfish-1', 'third'):
        users = {'users': [{'username': 'bob', 'password': password}]}
        add(node, 'httpBasic', users, '--id', 'apia-change', '--update')
        for number in range(3):
            assert status(node, f'auln-change-{number}', password) == 200
            assert status(node, f'auln-change-{number}', 'old') == 401
        assert status(node, 'bat-change', password, kind='bat') == 200


def test_users_without_a_password_keep_theirs_and_those_left_out_go(node):
    two = {'users': [*BOB['users'], {'username': 'eve', 'password': 'e'}]}
    add(node, 'httpBasic', two, '--id', 'apia-keep')
    guarded(node, 'apia-keep', 'auln-keep')
    for kept in ({}, {'password': ''}, {'password': None}):
        add(node, 'httpBasic', {'users': [{'username': 'bob', **kept}], 'fields': None},
            '--id', 'apia-keep', '--update')
        assert status(node, 'auln-keep', 'swordfish-1') == 200
    done = add(node, 'httpBasic', {'users': [{'username': 'eve'}]}, '--id', 'apia-keep', '--update',
               check=False)
    assert done.returncode == 2 and 'users[0]: "password" must be a text' in done.stderr
    done = add(node, 'httpDigest', BOB, '--id', 'apia-keep', '--update', check=False)
    assert done.returncode == 2 and 'of type httpBasic, which cannot change' in done.stderr
    assert status(node, 'auln-keep', 'swordfish-1') == 200


def test_no_secret_can_be_read_anywhere(node):
    add(node, 'httpDigest', BOB, '--id', 'apia-hidden-1')
    add(node, 'fixedField', FIELD, '--id', 'apia-hidden-2')
    guarded(node, 'apia-hidden-1', 'auln-hidden-1')
    guarded(node, 'apia-hidden-2', 'auln-hidden-2')
    assert status(node, 'auln-hidden-2', query='?key=swordfish-2') == 200

    database = node.setting('MYSQL_DATABASE')
    rows = node.mysql(f"USE {database}; SELECT * FROM api_auth WHERE id LIKE 'apia-hidden-%'")
    assert 'bob' in rows and 'gcm1:' in rows and 'swordfish' not in rows
    routes = [node.redis('GET', f'dff:route:al:auln-hidden-{number}') for number in (1, 2)]
    assert 'bob' in routes[0] and 'key' in routes[1] and 'swordfish' not in ''.join(routes)
    assert 'gcm1:' not in ''.join(routes)
    listed = node.ctl('api-auth', 'list').stdout
    assert 'bob' in listed and 'query key' in listed
    assert 'swordfish' not in listed and 'gcm1:' not in listed

    # proofs of one link are of no use for another
    guarded(node, 'apia-hidden-1', 'auln-hidden-3')
    proofs = [route(node, f'auln-hidden-{number}')['apiAuth']['config']['users'][0]
              for number in (1, 3)]
    assert proofs[0]['sha256'] != proofs[1]['sha256'] and proofs[0]['md5'] != proofs[1]['md5']


def test_basic_and_field_secrets_do_not_travel_in_the_job(node):
    add(node, 'httpBasic', BOB, '--id', 'apia-job')
    guarded(node, 'apia-job', 'auln-job')
    pair = base64.b64encode(b'bob:swordfish-1').decode()
    node.stop('executor')
    try:
        with pytest.raises(TimeoutError):
            node.get('/api/v1/al/auln-job', headers={'Authorization': f'Basic {pair}'}, timeout=1)
        queued = ''.join(node.redis('LRANGE', 'dff:queue:1', '0', '-1'))
        assert 't__guarded.ok' in queued and pair not in queued
    finally:
        node.start('executor')
    assert pair not in node.log_text()
    wait_until(lambda: status(node, 'auln-job', 'swordfish-1') == 200, 10)


def digest(node, link, password, nonce=None, nc='00000001'):
    """The header of a client that answers the MD5 challenge (the last one)."""
    uri = f'/api/v1/al/{link}'
    if nonce is None:
        challenge = node.get(uri).headers['www-authenticate']
        nonce = re.search('nonce="([^"]+)"', challenge)[1]

    def md5(*parts):
        return hashlib.md5(':'.join(parts).encode()).hexdigest()

    realm = f'AuthLink:{link}'
    response = md5(md5('bob', realm, password), nonce, nc, 'c', 'auth', md5('GET', uri))
    return {'Authorization': f'Digest username="bob", realm="{realm}", nonce="{nonce}",'
                             f' uri="{uri}", response="{response}", qop=auth, nc={nc},'
                             ' cnonce="c", algorithm=MD5'}


def test_a_digest_is_good_once_on_all_nodes(node):
    """What one nginx took, Redis tells the others; nonces are good on all of them."""
    add(node, 'httpDigest', BOB, '--id', 'apia-once')
    guarded(node, 'apia-once', 'auln-once')
    header = digest(node, 'auln-once', 'swordfish-1')
    assert node.get('/api/v1/al/auln-once', headers=header).status == 200
    assert node.get('/api/v1/al/auln-once', headers=header).status == 401
    nonce = re.search('nonce="([^"]+)"', header['Authorization'])[1]

    node.restart('nginx')       # nothing that it knew is left
    answer = node.get('/api/v1/al/auln-once', headers=header)
    assert answer.status == 401 and 'stale=true' in answer.headers['www-authenticate']
    header = digest(node, 'auln-once', 'swordfish-1', nonce, '00000002')
    assert node.get('/api/v1/al/auln-once', headers=header).status == 200
    key = f'dff:nonce:{nonce}'
    assert 0 < node.redis('TTL', key) <= 420 and node.redis('BITCOUNT', key) == 2


def test_who_does_not_know_the_password_leaves_nothing_in_redis(node):
    add(node, 'httpDigest', BOB, '--id', 'apia-stranger')
    guarded(node, 'apia-stranger', 'auln-stranger')
    before = node.redis('KEYS', 'dff:nonce:*')
    for _ in range(3):
        header = digest(node, 'auln-stranger', 'guess')
        answer = node.get('/api/v1/al/auln-stranger', headers=header)
        assert answer.status == 401 and 'stale' not in answer.headers['www-authenticate']
    assert node.redis('KEYS', 'dff:nonce:*') == before


def test_deleting_is_refused_while_links_need_it_and_force_closes_them(node):
    add(node, 'httpBasic', BOB, '--id', 'apia-needed')
    guarded(node, 'apia-needed', 'auln-needed')
    node.ctl('batch', 'add', 't__guarded.ok', '--id', 'bat-needed', '--api-auth', 'apia-needed')
    done = node.ctl('api-auth', 'delete', 'apia-needed', check=False)
    assert done.returncode == 1 and '2 links need API auth apia-needed' in done.stderr
    assert status(node, 'auln-needed', 'swordfish-1') == 200

    node.ctl('api-auth', 'delete', 'apia-needed', '--force')
    assert status(node, 'auln-needed', 'swordfish-1') == 401
    assert status(node, 'bat-needed', 'swordfish-1', kind='bat') == 401
    assert route(node, 'auln-needed')['apiAuth'] == {
        'id': 'apia-needed', 'type': 'missing', 'config': {}}
    done = node.ctl('api-auth', 'delete', 'apia-needed', check=False)
    assert done.returncode == 1 and '2 links need' in done.stderr

    add(node, 'httpBasic', BOB, '--id', 'apia-free')
    node.ctl('api-auth', 'delete', 'apia-free')
    done = node.ctl('api-auth', 'delete', 'apia-free', check=False)
    assert done.returncode == 1 and 'no such API auth: apia-free' in done.stderr


def test_an_api_auth_whose_secret_cannot_be_read_is_a_closed_door(node):
    """As after SECRET was changed: publishing goes on, nobody gets in."""
    add(node, 'httpBasic', BOB, '--id', 'apia-lost')
    guarded(node, 'apia-lost', 'auln-lost')
    database = node.setting('MYSQL_DATABASE')
    for config in ("REPLACE(configJSON, 'gcm1:', 'gcm1:AAAA')", "'{\"users\":[{}]}'", "'x'"):
        node.mysql(f"USE {database}; UPDATE api_auth SET configJSON = {config}"
                   " WHERE id = 'apia-lost'")
        node.ctl('link', 'add', 't__guarded.ok', '--id', 'auln-lost', '--update')
        assert status(node, 'auln-lost', 'swordfish-1') == 401
        assert route(node, 'auln-lost')['apiAuth'] == {
            'id': 'apia-lost', 'type': 'unreadable', 'config': {}}
    add(node, 'httpBasic', BOB, '--id', 'apia-lost', '--update')
    assert status(node, 'auln-lost', 'swordfish-1') == 200


def test_publishing_the_script_of_an_auth_function_reaches_the_links_that_ask_it(node):
    def publish(answer):
        node.ctl('script', 'publish', '-', '--id', 't__judge', stdin=f"""
@DFF.API('x', timeout=3)
def judge(req):
    return {answer}
""")

    publish(True)
    add(node, 'func', {'funcId': 't__judge.judge', 'users': None}, '--id', 'apia-judge')
    guarded(node, 'apia-judge', 'auln-judge')
    assert status(node, 'auln-judge') == 200
    publish(False)
    assert status(node, 'auln-judge') == 401
    config = route(node, 'auln-judge')['apiAuth']['config']
    assert config == {'funcId': 't__judge.judge', 'scriptVersion': 2, 'timeout': 3,
                      'apiTimeout': 0, 'queue': -1, 'maxMemory': 0, 'funcGone': False}
    publish(True)
    assert status(node, 'auln-judge') == 200
    node.ctl('script', 'publish', '-', '--id', 't__judge', stdin="""
@DFF.API('x')
def other():
    pass
""")
    assert status(node, 'auln-judge') == 401
    assert route(node, 'auln-judge')['apiAuth']['config']['funcGone'] is True
    assert 'the function of its API auth is gone' in node.log_text()


def test_redis_away_is_no_wrong_password(node):
    add(node, 'httpDigest', BOB, '--id', 'apia-away')
    guarded(node, 'apia-away', 'auln-away')
    header = digest(node, 'auln-away', 'swordfish-1')
    node.allow('Redis')
    node.stop('redis')
    try:
        assert node.get('/api/v1/al/auln-away').status == 401
        answer = node.get('/api/v1/al/auln-away', headers=header)
        assert answer.status == 503 and answer.json['reason'] == 'ESysCache'
    finally:
        node.start('redis')
    wait_until(lambda: node.get('/api/v1/al/auln-away', headers=header).status == 200, 10)


def test_batches_are_made_and_listed_like_links(node):
    made = node.ctl('batch', 'add', 't__guarded.ok').stdout.split()
    assert made[0].startswith('bat-') and made[1] == f'/api/v1/bat/{made[0]}'
    assert node.get(made[1]).json['taskId'].startswith('task-')
    add(node, 'httpBasic', BOB, '--id', 'apia-listed')
    node.ctl('batch', 'add', 't__guarded.ok', '--id', 'bat-listed', '--kwargs', '{"x": 1}',
             '--api-auth', 'apia-listed')
    line = next(line for line in node.ctl('batch', 'list').stdout.splitlines()
                if 'bat-listed' in line)
    assert 'apia-listed' in line and '{"x": 1}' in line
    assert 'bat-listed' not in node.ctl('link', 'list').stdout
    node.ctl('batch', 'modify', 'bat-listed', '--disabled', '--api-auth', '')
    assert node.get('/api/v1/bat/bat-listed').json['reason'] == 'EBizCondition.BatchDisabled'
    shown = json.loads(node.ctl('batch', 'show', 'bat-listed', '--json').stdout)
    assert shown['state'] == 'disabled' and shown['apiAuthId'] is None
    done = node.ctl('batch', 'add', 't__guarded.ok', '--id', 'bat-x', '--throttling', '{}',
                    check=False)
    assert done.returncode == 2 and 'unknown option: --throttling' in done.stderr
    done = node.ctl('batch', 'modify', 'bat-none', '--enabled', check=False)
    assert done.returncode == 1 and 'no such batch: bat-none' in done.stderr
    done = node.ctl('batch', 'add', 't__guarded.ok', '--id', 'bat-listed', check=False)
    assert done.returncode == 1 and 'batch bat-listed exists already' in done.stderr


def test_a_config_may_come_on_standard_input(node):
    done = node.ctl('api-auth', 'add', '--type', 'httpBasic', '--config', '-', '--id', 'apia-stdin',
                    stdin=json.dumps(BOB))
    assert done.stdout == 'apia-stdin\n'
    guarded(node, 'apia-stdin', 'auln-stdin')
    assert status(node, 'auln-stdin', 'swordfish-1') == 200


def test_wrong_words_say_what_and_where_and_never_the_secret(node):
    add(node, 'httpBasic', BOB, '--id', 'apia-taken')
    user = {'username': 'bob', 'password': 'swordfish-9'}
    field = {'location': 'header', 'name': 'x-a', 'value': 'swordfish-9'}
    for kind, config, code, text in (
            ('basic', BOB, 2, '--type must be'),
            ('httpBasic', [], 2, 'must be a JSON object'),
            ('httpBasic', {}, 2, '"users" must be a list of 1 to 100'),
            ('httpBasic', {'users': []}, 2, '"users" must be a list'),
            ('httpBasic', {'users': [user] * 101}, 2, '"users" must be a list'),
            ('httpBasic', {'users': [user, user]}, 2, 'users[1]: user "bob" is there twice'),
            ('httpBasic', {'users': [user], 'fields': []}, 2, '"fields" is not a key of this type'),
            ('httpBasic', {'users': [user], 'more': 1}, 2, '"more" is not a key'),
            ('httpBasic', {'users': [{**user, 'role': 1}]}, 2, 'unknown key "role"'),
            ('httpBasic', {'users': [{**user, 'passwordCipher': 'gcm1:'}]}, 2, 'unknown key'),
            ('httpBasic', {'users': ['bob']}, 2, 'users[0]: it must be an object'),
            ('httpBasic', {'users': [{**user, 'username': 'a:b'}]}, 2, 'not allowed'),
            ('httpBasic', {'users': [{**user, 'username': ''}]}, 2, '1 to 256 bytes'),
            ('httpBasic', {'users': [{**user, 'password': 'a\nb'}]}, 2, 'control character'),
            ('httpBasic', {'users': [{**user, 'password': 'x' * 4097}]}, 2, '1 to 4096 bytes'),
            ('httpBasic', {'users': [{'username': 'bob'}]}, 2, '"password" must be a text'),
            ('fixedField', {'fields': [{**field, 'location': 'cookie'}]}, 2, '"location" must be'),
            ('fixedField', {'fields': [{**field, 'name': 'a b'}]}, 2, 'not the name of a header'),
            ('fixedField', {'fields': [{**field, 'value': 7}]}, 2, '"value" must be a text'),
            ('fixedField', {'fields': [{**field, 'value': ''}]}, 2, '1 to 4096 bytes'),
            ('func', {'funcId': 'x'}, 2, 'is not a function id'),
            ('func', {'funcId': 7}, 2, '"funcId" must be a function id'),
            ('func', {'funcId': 't__guarded.none'}, 1, 'no such function: t__guarded.none'),
    ):
        done = add(node, kind, config, check=False)
        assert done.returncode == code and text in done.stderr, (kind, config, done)
        assert 'swordfish' not in done.stdout + done.stderr, done

    for words, code, text in (
            (['--type', 'func', '--config', '{"swordfish-9'], 2, 'not JSON: line 1'),
            (['--type', 'func', '--config', '{"users":1,"users":2}'], 2, 'not JSON'),
            (['--type', 'func'], 2, '--config'),
            (['--type', 'httpBasic', '--config', json.dumps(BOB), '--update'], 2, 'needs --id'),
            (['--type', 'httpBasic', '--config', json.dumps(BOB), '--id', 'a/b'], 2, 'not an id'),
            (['--type', 'httpBasic', '--config', json.dumps(BOB), '--id', 'apia-taken'], 1,
             'apia-taken exists already'),
    ):
        done = node.ctl('api-auth', 'add', *words, check=False)
        assert done.returncode == code and text in done.stderr, (words, done)
        assert 'swordfish' not in done.stdout + done.stderr, done

    for words, text in (
            (['link', 'add', 't__guarded.ok', '--api-auth', 'apia-none'], 'no such API auth'),
            (['batch', 'add', 't__guarded.ok', '--api-auth', 'apia-none'], 'no such API auth'),
    ):
        done = node.ctl(*words, check=False)
        assert done.returncode == 1 and text in done.stderr, (words, done)
