"""Whom the management API takes a request to come from, behind proxies and without."""

import pytest

from api import Api, administrator, bad, forget_failures, good


def forwarded(address):
    return {'X-Forwarded-For': address}


def recorded(admin, address):
    """The address in the record of an operation that says it comes from there."""
    good(admin.post('/api/v1/env-variables/do/add', {'data': {'id': 'proxied'}},
                    headers=forwarded(address)))
    [record] = admin.list('operation-records', pageSize=1)
    admin.delete('env-variables', 'proxied')
    return record['clientIPsJSON']


def fail_often(node, address):
    """So many wrong passwords that an address is asked for a captcha."""
    for i in range(4):
        answer = Api(node).post('/api/v1/auth/do/sign-in',
                                {'signIn': {'username': f'nobody-{i}', 'password': 'x'}},
                                headers=forwarded(address))
    return bad(answer, 'EUserCaptcha')


@pytest.fixture
def behind(make_node):
    node = make_node(WEB_TRUSTED_PROXIES='127.0.0.1, 10.0.0.0/8')
    node.start()
    return node


def test_a_trusted_proxy_is_believed(behind):
    admin = administrator(behind)
    assert recorded(admin, '203.0.113.7') == ['203.0.113.7']
    assert recorded(admin, '198.51.100.9, 203.0.113.7, 10.1.2.3') == ['203.0.113.7']
    assert recorded(admin, '[2001:DB8::0:7]:4711') == ['2001:db8::7']
    for nonsense in ('unknown', '999.1.1.1', '203.0.113.7"],"x":["', 'x' * 300):
        assert recorded(admin, nonsense) == ['127.0.0.1']

    # those behind the proxy do not pay for each other
    fail_often(behind, '203.0.113.66')
    good(Api(behind).post('/api/v1/auth/do/sign-in', {'signIn': {
        'username': 'admin', 'password': behind.setting('AUTO_SETUP_ADMIN_PASSWORD')}},
        headers=forwarded('203.0.113.7')))


def test_nobody_else_is(node):
    forget_failures(node)
    admin = administrator(node)
    assert recorded(admin, '203.0.113.7') == ['127.0.0.1']
    # a new address for each attempt does not help
    for i in range(4):
        answer = Api(node).post('/api/v1/auth/do/sign-in',
                                {'signIn': {'username': f'nobody-{i}', 'password': 'x'}},
                                headers=forwarded(f'203.0.113.{i}'))
    bad(answer, 'EUserCaptcha')
    forget_failures(node)
