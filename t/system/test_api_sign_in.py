"""Signing in to the management API, and what ends a sign-in."""

import json

import pytest

from api import Api, administrator, bad, forget_failures, good, signed_in


@pytest.fixture
def admin(node):
    forget_failures(node)
    return administrator(node)


@pytest.fixture
def user(admin):
    """A user of the role user, removed afterwards: (id, name, password)."""
    made = admin.add('users', username='test-sign-in', password='first-password',
                     name='Test', roles=['user'])
    yield made, 'test-sign-in', 'first-password'
    admin.get(f'/api/v1/users/{made}/do/delete')


def test_the_envelope_has_its_keys_in_order_and_the_headers(node):
    answer = Api(node).get('/api/v1/client-config/do/get', headers={'X-Trace-Id': 'my-trace'})
    assert list(json.loads(answer.body)) == [
        'ok', 'error', 'message', 'data', 'traceId', 'reqTime', 'respTime', 'reqCost']
    assert answer.headers['x-trace-id'] == answer.json['traceId'] == 'my-trace'
    assert answer.headers['x-request-time'] == answer.json['reqTime']
    assert answer.headers['x-content-type-options'] == 'nosniff'
    assert good(answer)['data']['_WEB_AUTH_HEADER'] == 'X-Dff-Auth-Token'


def test_an_unknown_route_is_404_with_method_and_url(node):
    value = bad(Api(node).get('/api/v1/nothing/here?x=1'), 'EClientNotFound', 404)
    assert value['error'] == 404.41
    assert value['detail'] == {'method': 'GET', 'url': '/api/v1/nothing/here',
                               'links': {'doc': '/api/v1/openapi.json'}}
    assert value['reqDump'] == {'method': 'GET', 'url': '/api/v1/nothing/here?x=1'}


def test_paths_are_case_sensitive(node):
    assert node.get('/API/v1/client-config/do/get').status == 404
    bad(Api(node).get('/api/v1/Client-Config/do/get'), 'EClientNotFound', 404)


def test_another_method_is_405_and_says_which_is_allowed(node):
    answer = Api(node).get('/api/v1/auth/do/sign-in')
    assert answer.status == 405 and answer.headers['allow'] == 'POST'


def test_a_sign_in_gives_a_token_and_a_sign_out_ends_it(node, admin, user):
    api = signed_in(node, user[1], user[2])
    profile = api.read('/api/v1/auth/profile/do/get')
    assert profile['isSignedIn'] is True and profile['error'] is None
    assert (profile['id'], profile['username'], profile['roles']) == (user[0], user[1], ['user'])
    assert profile['customPrivileges'] is None or profile['customPrivileges'] == []
    assert 'passwordHash' not in profile and profile['isDisabled'] is False

    assert good(api.get('/api/v1/auth/do/sign-out'))['data'] is None
    bad(api.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)
    assert good(Api(node).get('/api/v1/auth/do/sign-out'))['data'] is None


def test_no_cookie_is_set_and_none_signs_in(node, admin):
    answer = Api(node).sign_in('admin', node.setting('AUTO_SETUP_ADMIN_PASSWORD'))
    assert 'set-cookie' not in answer.headers
    token = good(answer)['data']['xAuthToken']
    bad(Api(node).get('/api/v1/users/do/list', headers={'Cookie': f'xDFFAuthToken={token}'}),
        'EUserAuth', 401)


def test_the_query_token_reads_and_never_writes(node, admin):
    query = {'xDFFAuthToken': admin.token}
    good(Api(node).get('/api/v1/auth/profile/do/get', **query))
    bad(Api(node).get('/api/v1/users/u-x/do/delete', **query), 'EUserAuth', 401)
    bad(Api(node).post('/api/v1/do/echo?xDFFAuthToken=' + admin.token, {'echo': 1}),
        'EUserAuth', 401)
    assert admin.token not in node.log_text()


@pytest.mark.parametrize('token', [
    'x', 'xat-' + 'A' * 22, 'eyJhbGciOiJub25lIn0.eyJ1aWQiOiJ1LWFkbWluIn0.', "' OR 1=1 --",
    'x' * 5000])
def test_a_forged_token_signs_nobody_in(node, token):
    bad(Api(node, token).get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)
    good(Api(node, token).get('/api/v1/client-config/do/get'))     # public routes go on


def test_a_sign_in_expires(node):
    before = set(node.redis('KEYS', 'dff:session:*'))
    admin = administrator(node)
    [key] = set(node.redis('KEYS', 'dff:session:*')) - before
    assert 86000 < node.redis('TTL', key) <= 86400
    node.redis('DEL', key)
    bad(admin.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)


def test_wrong_passwords_and_unknown_names_are_told_alike(node, admin):
    wrong = bad(Api(node).sign_in('admin', 'wrong'), 'EUserPassword', 400)
    unknown = bad(Api(node).sign_in('nobody-here', 'wrong'), 'EUserPassword', 400)
    assert wrong['error'] == unknown['error'] == 400.12
    assert wrong['message'] == unknown['message']
    assert wrong['reqDump']['body']['signIn']['password'] == '***'
    assert 'wrong' not in json.dumps(wrong['reqDump'])


def test_after_three_failures_a_captcha_is_needed(node, admin, user):
    for _ in range(3):
        bad(Api(node).sign_in(user[1], 'wrong', captcha='1234', captchaToken='t'),
            'EUserPassword')
    bad(Api(node).sign_in(user[1], user[2]), 'EUserCaptcha', 400)

    query = {'captchaCategory': 'signIn', 'captchaToken': 'token-1'}
    image = Api(node).get('/api/v1/captcha/do/get', **query)
    assert image.status == 200 and image.headers['content-type'].startswith('image/svg+xml')
    assert image.text.startswith('<svg') and 'width="120"' in image.text
    bad(Api(node).get('/api/v1/captcha/do/get', **query), 'EUserCaptcha')

    [key] = node.redis('KEYS', 'dff:captcha:*')
    digits = node.redis('GET', key)
    digits = str(digits)
    assert digits not in image.text
    other = '0000' if digits != '0000' else '1111'
    bad(Api(node).sign_in(user[1], user[2], captcha=other, captchaToken='token-1'),
        'EUserCaptcha')
    # used up, right or wrong
    bad(Api(node).sign_in(user[1], user[2], captcha=digits, captchaToken='token-1'),
        'EUserCaptcha')

    query['captchaToken'] = 'token-2'
    assert Api(node).get('/api/v1/captcha/do/get', **query).status == 200
    [key] = node.redis('KEYS', 'dff:captcha:*')
    digits = str(node.redis('GET', key)).zfill(4)
    good(Api(node).sign_in(user[1], user[2], captcha=digits, captchaToken='token-2'))


def test_more_failures_cost_a_pause(node, admin, user):
    for _ in range(11):
        Api(node).sign_in(user[1], 'wrong')
    value = bad(Api(node).sign_in(user[1], user[2]), 'EUserPassword')
    assert 1 <= value['detail']['waitSeconds'] <= 60


def test_a_disabled_user_is_told_so_only_with_the_right_password(node, admin, user):
    api = signed_in(node, user[1], user[2])
    admin.modify('users', user[0], isDisabled=True)
    bad(api.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)
    bad(Api(node).sign_in(user[1], 'wrong'), 'EUserPassword', 400)
    bad(Api(node).sign_in(user[1], user[2]), 'EUserDisabled', 401)
    admin.modify('users', user[0], isDisabled=False)
    bad(api.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)     # stays over
    good(Api(node).sign_in(user[1], user[2]))


def test_a_changed_password_ends_the_other_sign_ins(node, admin, user):
    one, other = signed_in(node, *user[1:]), signed_in(node, *user[1:])
    change = {'oldPassword': user[2], 'newPassword': 'second-password'}
    bad(one.post('/api/v1/auth/do/change-password',
                 {'changePassword': {**change, 'oldPassword': 'wrong'}}), 'EUserPassword')
    good(one.post('/api/v1/auth/do/change-password', {'changePassword': change}))
    good(one.get('/api/v1/auth/profile/do/get'))
    bad(other.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)
    bad(Api(node).sign_in(user[1], user[2]), 'EUserPassword')
    good(Api(node).sign_in(user[1], 'second-password'))


@pytest.mark.parametrize('change', [
    {'roles': ['readonlyUser']}, {'customPrivileges': 'user_w'}, {'password': 'by-the-admin'}])
def test_a_changed_role_or_password_ends_all_sign_ins(node, admin, user, change):
    api = signed_in(node, user[1], user[2])
    admin.modify('users', user[0], name='Another name', password='')
    good(api.get('/api/v1/auth/profile/do/get'))
    admin.modify('users', user[0], **change)
    bad(api.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)


def test_a_deleted_user_is_signed_out(node, admin, user):
    api = signed_in(node, user[1], user[2])
    admin.delete('users', user[0])
    bad(api.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)


def test_the_profile_is_modified(node, admin, user):
    api = signed_in(node, user[1], user[2])
    assert api.write('/api/v1/auth/profile/do/modify', {'name': 'New', 'mobile': '123'}) \
        == user[0]
    profile = api.read('/api/v1/auth/profile/do/get')
    assert (profile['name'], profile['mobile']) == ('New', '123')
    api.write('/api/v1/auth/profile/do/modify', {'mobile': None})
    profile = api.read('/api/v1/auth/profile/do/get')
    assert (profile['name'], profile['mobile']) == ('New', None)


@pytest.mark.parametrize('body, field', [
    ({}, 'signIn'), ({'signIn': None}, 'signIn'), ({'signIn': []}, 'signIn'),
    ({'signIn': {'username': 'a'}}, 'signIn.password'),
    ({'signIn': {'username': 1, 'password': 'x'}}, 'signIn.username'),
    ({'signIn': {'username': 'a' * 31, 'password': 'x'}}, 'signIn.username'),
    ({'signIn': {'username': 'a', 'password': 'x', 'more': 1}}, 'more'),
    ({'signIn': {'username': 'a\0b', 'password': 'x'}}, 'signIn.username'),
    ([], 'body'), ('text', 'body')])
def test_a_bad_body_is_400_and_names_the_field(node, body, field):
    value = bad(Api(node).post('/api/v1/auth/do/sign-in', body), 'EClientBadRequest', 400)
    assert field in value['message']


@pytest.mark.parametrize('body, kind', [
    (b'{', 'application/json'), (b'{"a":1}{', 'application/json'), (b'\xff', 'application/json'),
    (b'[' * 100000, 'application/json'), (b'x', 'application/xml'), (b'%zz=1',
     'application/x-www-form-urlencoded'), (b'a[b=1', 'application/x-www-form-urlencoded')],
    ids=['cut', 'two', 'no UTF-8', 'deep', 'XML', 'bad code', 'bad name'])
def test_a_body_that_cannot_be_read_is_400(node, body, kind):
    value = bad(Api(node).request('POST', '/api/v1/auth/do/sign-in', body,
                                  {'Content-Type': kind}), 'EClientBadRequest', 400)
    assert value['message'].startswith('Invalid request body')


def test_a_form_signs_in_like_json(node, admin):
    body = ('signIn[username]=admin&signIn[password]='
            + node.setting('AUTO_SETUP_ADMIN_PASSWORD')).encode()
    answer = Api(node).request('POST', '/api/v1/auth/do/sign-in', body,
                               {'Content-Type': 'application/x-www-form-urlencoded'})
    assert good(answer)['data']['userId'] == 'u-admin'
