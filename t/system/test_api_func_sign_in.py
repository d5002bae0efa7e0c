"""Signing in through a function: what it may return, and who cannot be tricked by it."""

import hashlib
import json

import pytest

from api import Api, administrator, bad, forget_failures, good

ROUTE = '/api/v1/func/integration/sign-in'
SCRIPT = '''
import time

RESULTS = {
    'true': True, 'false': False, 'none': None, 'zero': 0, 'empty': '', 'nothing': {},
    'text': 'somebody', 'number': 42, 'list': ['a'],
    'object': {'UserID': 7, 'Display_Name': 'Seven'}, 'nameless': {'id': 'x'},
    'idless': {'name': 'x'}, 'odd': 'a\\nb', 'long': 'x' * 100,
}

@DFF.API('Directory', integration='signIn', timeout=1)
def check(username, password):
    if username == 'raise':
        raise ValueError('the directory is closed')
    if username == 'sleep':
        time.sleep(10)
    if username == 'page':
        return DFF.RESP('x', content_type='html')
    return password == 'right' and RESULTS[username]

@DFF.API('Not for signing in')
def other(username, password):
    return True
'''
CHECK = 'signin__it.check'
PREFIX = f'igu_{hashlib.md5(CHECK.encode()).hexdigest()}-'


@pytest.fixture(scope='module')
def published(session_node):
    session_node.ctl('script', 'publish', '-', '--id', 'signin__it', stdin=SCRIPT)
    yield
    forget_failures(session_node)
    administrator(session_node).delete('script-sets', 'signin')


@pytest.fixture(autouse=True)
def no_attempts(node, published):
    forget_failures(node)


def sign_in(node, username, password='right', func=CHECK, **more):
    return Api(node).post(ROUTE, {'signIn': {'funcId': func, 'username': username,
                                             'password': password}, **more})


@pytest.mark.parametrize('username, suffix, name', [
    ('true', 'true', 'true'), ('text', 'somebody', 'text'), ('number', '42', 'number'),
    ('object', '7', 'Seven'), ('nameless', 'x', 'nameless')])
def test_a_user_of_a_function_is_signed_in(node, username, suffix, name):
    answer = sign_in(node, username)
    assert 'set-cookie' not in answer.headers
    data = good(answer)['data']
    assert data['userId'] == PREFIX + suffix
    api = Api(node, data['xAuthToken'])
    assert api.read('/api/v1/auth/profile/do/get') == {
        'isSignedIn': True, 'error': None, 'seq': 0, 'id': PREFIX + suffix,
        'username': username, 'name': name, 'roles': ['user'],
        'customPrivileges': ['systemConfig_r'], 'isIntegratedUser': True}
    good(api.get('/api/v1/scripts/do/list'))
    good(api.get('/api/v1/system-configs/do/list'))
    bad(api.get('/api/v1/access-keys/do/list'), 'EUserPrivilege', 401)
    bad(api.post('/api/v1/auth/profile/do/modify', {'data': {'name': 'x'}}), 'EUserPrivilege')
    bad(api.post('/api/v1/auth/do/change-password', {'changePassword': {
        'oldPassword': 'right', 'newPassword': 'x'}}), 'EUserPrivilege')
    good(api.get('/api/v1/auth/do/sign-out'))
    bad(api.get('/api/v1/scripts/do/list'), 'EUserAuth', 401)


@pytest.mark.parametrize('username', ['false', 'none', 'zero', 'empty', 'nothing', 'list',
                                      'idless'])
def test_a_falsy_result_signs_nobody_in(node, username):
    value = bad(sign_in(node, username), 'EFuncFailed.SignInFuncReturnedFalseOrNothing', 599)
    assert value['error'] == 599.3 and 'data' not in value
    assert value['reqDump']['body']['signIn']['password'] == '***'


def test_a_wrong_password_signs_nobody_in(node):
    bad(sign_in(node, 'true', 'wrong'), 'EFuncFailed.SignInFuncReturnedFalseOrNothing', 599)


def test_an_exception_is_told(node):
    node.allow('the directory is closed')
    value = bad(sign_in(node, 'raise'), 'EFuncFailed.SignInFuncRaisedException', 599)
    assert value['message'] == 'the directory is closed'


def test_a_function_that_takes_too_long_is_a_timeout(node):
    node.allow('signin__it.check')
    bad(sign_in(node, 'sleep'), 'EFuncFailed.SignInFuncTimeout', 599)


@pytest.mark.parametrize('username', ['page', 'odd', 'long'])
def test_a_result_that_names_no_user_is_told(node, username):
    bad(sign_in(node, username), 'EFuncResultParsingFailed', 599)


def test_other_functions_are_not_called(node):
    assert bad(sign_in(node, 'true', func='signin__it.other'), 'EClientNotFound', 404)[
        'detail'] == {'entity': 'func', 'id': 'signin__it.other'}
    for func in ('signin__it.nothing', "' OR '1'='1", 'x' * 256, 'SIGNIN__it.check'):
        forget_failures(node)
        bad(sign_in(node, 'true', func=func), 'EClientNotFound', 404)


def test_attempts_are_limited_like_those_of_a_password(node):
    for _ in range(3):
        bad(sign_in(node, 'true', 'wrong', captcha='1234', captchaToken='t'),
            'EFuncFailed.SignInFuncReturnedFalseOrNothing')
    bad(sign_in(node, 'true'), 'EUserCaptcha', 400)
    bad(sign_in(node, 'text'), 'EUserCaptcha', 400)     # of the same address
    image = Api(node).get('/api/v1/captcha/do/get', captchaCategory='signIn',
                          captchaToken='token')
    assert image.status == 200
    [key] = node.redis('KEYS', 'dff:captcha:*')
    digits = str(node.redis('GET', key)).zfill(4)
    good(sign_in(node, 'true', captcha=digits, captchaToken='token'))
    for _ in range(11):
        sign_in(node, 'true', 'wrong')
    value = bad(sign_in(node, 'true'), 'EUserPassword', 400)
    assert 1 <= value['detail']['waitSeconds'] <= 60


@pytest.mark.parametrize('body, field', [
    ({}, 'signIn'), ({'signIn': None}, 'signIn'),
    ({'signIn': {'username': 'a', 'password': 'b'}}, 'signIn.funcId'),
    ({'signIn': {'funcId': CHECK, 'username': 'a' * 31, 'password': 'b'}}, 'signIn.username'),
    ({'signIn': {'funcId': 'x' * 257, 'username': 'a', 'password': 'b'}}, 'signIn.funcId'),
    ({'signIn': {'funcId': CHECK, 'username': 'a', 'password': 'b' * 101}}, 'signIn.password'),
    ({'signIn': {'funcId': CHECK, 'username': 'a', 'password': 'b', 'x': 1}}, 'x')])
def test_a_bad_body_names_the_field(node, body, field):
    assert field in bad(Api(node).post(ROUTE, body), 'EClientBadRequest', 400)['message']


def test_the_functions_are_listed_before_the_sign_in(node):
    config = Api(node).read('/api/v1/func-system-config')
    assert {'id': CHECK, 'name': 'Directory'} in config['_INTEGRATED_SIGN_IN_FUNC']


def test_the_password_is_in_no_list_and_no_log(node):
    admin = administrator(node)
    good(sign_in(node, 'true'))
    bad(sign_in(node, 'true', 'a-wrong-secret'), 'EFuncFailed.SignInFuncReturnedFalseOrNothing')
    assert 'a-wrong-secret' not in node.log_text()
    records = admin.list('operation-records', pageSize=20)
    assert 'a-wrong-secret' not in json.dumps(records)
