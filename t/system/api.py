"""A client of the management API, for its tests: every answer that it gets to a documented
request must be as documented."""

import json
import urllib.parse

import openapi


class Api:
    """Requests to one node, with the token of a sign-in."""

    def __init__(self, node, token=None):
        self.node = node
        self.token = token
        self.answered = set()       # (method, path of the document) of good answers

    def request(self, method, path, body=None, headers=None, **query):
        if query:
            path += '?' + urllib.parse.urlencode(query)
        headers = dict(headers or {})
        if self.token:
            headers.setdefault('X-Dff-Auth-Token', self.token)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault('Content-Type', 'application/json')
        response = self.node.request(method, path, body, headers, timeout=90)
        self.answered.add(openapi.check(self.node, method, path, response))
        return response

    def get(self, path, headers=None, **query):
        return self.request('GET', path, headers=headers, **query)

    def post(self, path, body=None, headers=None, **query):
        return self.request('POST', path, body, headers, **query)

    # Success is expected: the data of the answer.

    def read(self, path, **query):
        return good(self.get(path, **query))['data']

    def write(self, path, data=None, **query):
        return good(self.post(path, {'data': data or {}}, **query))['data']

    def list(self, base, **query):
        return self.read(f'/api/v1/{base}/do/list', **query)

    def add(self, base, **data):
        return self.write(f'/api/v1/{base}/do/add', data)['id']

    def modify(self, base, identity, **data):
        return self.write(f'/api/v1/{base}/{identity}/do/modify', data)

    def delete(self, base, identity):
        return self.read(f'/api/v1/{base}/{identity}/do/delete')

    def sign_in(self, username, password, **more):
        return self.post('/api/v1/auth/do/sign-in',
                         {'signIn': {'username': username, 'password': password}, **more})


def good(response):
    assert response.status == 200, response
    value = response.json
    assert value['ok'] is True and value['error'] == 200 and value['message'] == '', response
    return value


def bad(response, reason, status=None):
    """The answer is this failure; returns it."""
    value = response.json
    assert value['ok'] is False and value['reason'] == reason, response
    assert response.status == int(value['error']), response
    assert status is None or response.status == status, response
    return value


def signed_in(node, username, password):
    answer = good(Api(node).sign_in(username, password))
    return Api(node, answer['data']['xAuthToken'])


def forget_failures(node):
    """Sign-ins that failed, which would make the next ones wait."""
    node.redis('EVAL', "for _, k in ipairs(redis.call('KEYS', 'dff:sign-in*')) do "
               "redis.call('DEL', k) end", 0)


def administrator(node):
    """The super administrator that the first start has made."""
    return signed_in(node, 'admin', node.setting('AUTO_SETUP_ADMIN_PASSWORD'))
