"""Guessing of passwords is bounded, and shuts nobody out who knows his own. Each nginx worker
counts for itself: all calls of a test go over one connection."""

import base64
import hashlib
import http.client
import re

import pytest

LIMIT = 60
BASIC, DIGEST = '/api/v1/al/auln-auth-basic', '/api/v1/al/auln-auth-digest'


@pytest.fixture
def connection(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    made = http.client.HTTPConnection('127.0.0.1', node.port, timeout=10)
    yield made
    made.close()


def call(connection, path, authorization):
    """(status, Retry-After, the challenges)"""
    connection.request('GET', path, headers={'Authorization': authorization})
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers['Retry-After'], answer.headers.get_all('WWW-Authenticate')


def basic(user, password):
    return 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


def digest(challenge, user, password, count):
    realm, nonce = (re.search(f'{name}="([^"]*)"', challenge)[1] for name in ('realm', 'nonce'))

    def h(*words):
        return hashlib.sha256(':'.join(words).encode()).hexdigest()

    response = h(h(user, realm, password), nonce, f'{count:08x}', 'c', 'auth', h('GET', DIGEST))
    return (f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{DIGEST}", '
            f'response="{response}", cnonce="c", algorithm=SHA-256, qop=auth, nc={count:08x}')


def test_after_60_wrong_passwords_not_even_the_right_one_is_looked_at(connection):
    for number in range(LIMIT):
        status, after, _ = call(connection, BASIC, basic('bob', f'wrong{number}'))
        assert (status, after) == (401, None)
    status, after, challenges = call(connection, BASIC, basic('bob', 'bob:pass'))
    assert status == 401 and 0 < int(after) <= 60
    assert challenges == ['Basic realm="AuthLink:auln-auth-basic", charset="UTF-8"']
    # other users, and other links, are not his
    assert call(connection, BASIC, basic('J\u00e4s\u00f8n', 'p\u00e4ss "word"'))[0] == 200
    assert call(connection, '/api/v1/bat/bat-basic', basic('bob', 'bob:pass'))[0] == 200


def test_who_was_right_lately_goes_on_while_others_guess_from_his_address(connection):
    assert call(connection, BASIC, basic('bob', 'bob:pass'))[0] == 200
    for number in range(LIMIT + 5):
        assert call(connection, BASIC, basic('bob', f'wrong{number}'))[0] == 401
    assert call(connection, BASIC, basic('bob', 'bob:pass'))[:2] == (200, None)


def test_made_up_names_do_not_free_the_one_that_is_guessed(connection):
    for number in range(LIMIT):
        assert call(connection, BASIC, basic('bob', f'wrong{number}'))[0] == 401
    for number in range(5000):
        assert call(connection, BASIC, basic(f'user{number}', 'x'))[:2] == (401, None)
    assert call(connection, BASIC, basic('bob', 'bob:pass'))[0] == 401


def test_a_digest_is_not_guessed_and_whose_nonce_was_good_goes_on(connection):
    good = call(connection, DIGEST, 'Digest x')[2][0]
    assert call(connection, DIGEST, digest(good, 'bob', 'Circle of Life', 1))[0] == 200
    for number in range(LIMIT):
        fresh = call(connection, DIGEST, 'Digest x')[2][0]
        assert call(connection, DIGEST, digest(fresh, 'bob', f'wrong{number}', 1))[0] == 401
    status, after, challenges = call(connection, DIGEST,
                                     digest(fresh, 'bob', 'Circle of Life', 2))
    assert status == 401 and int(after) > 0 and 'stale' not in challenges[0]
    assert call(connection, DIGEST, digest(good, 'bob', 'Circle of Life', 2))[0] == 200
