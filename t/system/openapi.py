"""The OpenAPI document of the management API, and whether an answer is as it says."""

import http.client
import json
import re
import urllib.parse

KINDS = {'string': str, 'integer': int, 'number': (int, float), 'boolean': bool, 'object': dict,
         'array': list, 'null': type(None)}
# Those that the document uses, and that say nothing of a value.
KEYWORDS = {'type', 'const', 'enum', 'anyOf', 'required', 'properties', 'additionalProperties',
            'items', 'minItems', 'maxItems', 'minLength', 'maxLength', 'minimum', 'maximum',
            'format', 'title', 'description', 'default'}
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z')
PICKING = {'fields', 'fieldPicking', 'fieldKicking'}
ASKED_FOR = {'taskInfoCount'}       # members of rows that are there for some queries only


def is_a(value, kind):
    """1 is no boolean, and true no number."""
    return isinstance(value, KINDS[kind]) and not (
        isinstance(value, bool) and kind in ('integer', 'number'))


def fits(value, schema, where='data'):
    """Fails when a value does not fit a schema."""
    assert set(schema) <= KEYWORDS, f'{where}: unknown keywords in {schema}'
    if 'const' in schema:
        assert value == schema['const'], f'{where}: {value!r} is not {schema["const"]!r}'
    if 'anyOf' in schema:
        # {} stands for what a function has answered: nothing of ours is to fit that.
        return fits_one(value, [option for option in schema['anyOf'] if option], where)
    kinds = schema.get('type', list(KINDS))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert any(is_a(value, kind) for kind in kinds), f'{where}: {value!r:.200} is no {kinds}'
    if 'enum' in schema:
        assert value in schema['enum'], f'{where}: {value!r} is none of {schema["enum"]}'
    if schema.get('format') == 'date-time' and value is not None:
        assert TIME.fullmatch(value), f'{where}: {value!r} is no time'
    if isinstance(value, (str, list)):
        for least, most in (('minLength', 'maxLength'), ('minItems', 'maxItems')):
            assert schema.get(least, 0) <= len(value) <= schema.get(most, len(value)), where
    if isinstance(value, dict):
        fits_object(value, schema, where)
    if isinstance(value, list) and 'items' in schema:
        for i, inner in enumerate(value):
            fits(inner, schema['items'], f'{where}[{i}]')
    return True


def fits_one(value, options, where):
    problems = []
    for option in options:
        try:
            return fits(value, option, where)
        except AssertionError as error:
            problems.append(str(error))
    raise AssertionError('; or '.join(problems))


def fits_object(value, schema, where):
    properties, others = schema.get('properties', {}), schema.get('additionalProperties', {})
    for key in schema.get('required', ()):
        assert key in value, f'{where}.{key} is missing'
    for key, inner in value.items():
        if key in properties:
            fits(inner, properties[key], f'{where}.{key}')
        else:
            assert others is not False, f'{where}.{key} is not documented'
            fits(inner, others, f'{where}.{key}')


def resolved(value, document):
    """With what "$ref" stands for in its place."""
    if isinstance(value, list):
        return [resolved(inner, document) for inner in value]
    if not isinstance(value, dict):
        return value
    if '$ref' not in value:
        return {key: resolved(inner, document) for key, inner in value.items()}
    found = document
    for part in value['$ref'].removeprefix('#/').split('/'):
        found = found[part]
    return resolved(found, document)


def envelope(schema):
    """Of an answer with JSON: without what an export is instead."""
    return schema['anyOf'][0] if 'anyOf' in schema else schema


class Document:
    def __init__(self, value):
        value = resolved(value, value)
        # Literal segments go before parameters.
        self.rows = sorted(((template, self.pattern(template), methods)
                            for template, methods in value['paths'].items()),
                           key=lambda row: [part.startswith('{') for part in row[0].split('/')])

    @staticmethod
    def pattern(template):
        """{path} is the rest, {x} a segment."""
        parts = re.split(r'(\{\w+\})', template)
        return re.compile(''.join('.*' if part == '{path}' else '[^/]+' if part.startswith('{')
                                  else re.escape(part) for part in parts))

    def find(self, method, path):
        """(template, operation), or nothing."""
        for template, pattern, methods in self.rows:
            if pattern.fullmatch(path):
                return (template, methods[method.lower()]) if method.lower() in methods else None
        return None

    def check(self, method, url, response):
        """Fails when an answer is not as documented. (method, template) of a good one."""
        path, _, query = url.partition('?')
        found = self.find(method, path)
        if not found:
            return None
        template, operation = found
        where = f'{method} {template}'
        responses = operation['responses']
        schema = responses['200']['content'].get('application/json', {}).get('schema')
        if response.status >= 400:
            if schema or self.is_envelope(response):
                failed = responses.get(str(response.status), responses['default'])
                fits(response.json, failed['content']['application/json']['schema'], where)
            return None
        # A function may choose a status of its own, a file may be sent in part.
        assert response.status == 200 or not schema, (where, response)
        if schema and response.headers['content-type'] == 'application/json; charset=utf-8':
            fits(response.json, schema, where)
        if schema and 'content-disposition' not in response.headers:
            if not PICKING & set(urllib.parse.parse_qs(query)):
                self.has_all(response.json['data'], envelope(schema)['properties']['data'], where)
        return method, template

    @staticmethod
    def is_envelope(response):
        if not response.headers.get('content-type', '').startswith('application/json'):
            return False
        value = response.json
        return isinstance(value, dict) and value.get('ok') is False

    @staticmethod
    def has_all(rows, schema, where):
        """What a list may leave out is there when the query has not picked."""
        properties = schema.get('items', {}).get('properties', {})
        for row in rows if isinstance(rows, list) and properties else ():
            missing = set(properties) - set(row) - ASKED_FOR
            assert not missing, f'{where}: {missing} missing in a row'


known = {}      # the document, once for all tests; node -> None where it could not be read


def read(node):
    """The document as who has signed in gets it; None: the node does not answer."""
    body = json.dumps({'signIn': {'username': 'admin',
                                  'password': node.setting('AUTO_SETUP_ADMIN_PASSWORD')}})
    try:
        answer = node.request('POST', '/api/v1/auth/do/sign-in', body.encode(),
                              {'Content-Type': 'application/json'})
        if answer.status != 200:
            return None
        token = answer.json['data']['xAuthToken']
        return node.request('GET', '/api/v1/openapi.json', headers={'X-Dff-Auth-Token': token}).json
    except (OSError, http.client.HTTPException):
        return None


def document(node):
    if 'document' not in known and node not in known:
        value = read(node)
        known[node if value is None else 'document'] = value and Document(value)
    return known.get('document')


def check(node, method, url, response):
    """See Document.check; for the first node that has a document."""
    found = document(node)
    return found and found.check(method, url, response)
