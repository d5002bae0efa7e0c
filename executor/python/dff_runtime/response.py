"""DFF.RESP: a result with its own status, type and headers."""

import json
import re

from .exceptions import InvalidOptionException

CONTENT_TYPES = {
    'json': 'application/json; charset=utf-8',
    'html': 'text/html; charset=utf-8',
    'text': 'text/plain; charset=utf-8',
    'txt': 'text/plain; charset=utf-8',
    'xml': 'application/xml; charset=utf-8',
    'css': 'text/css; charset=utf-8',
    'js': 'application/javascript; charset=utf-8',
    'csv': 'text/csv; charset=utf-8',
    'markdown': 'text/markdown; charset=utf-8',
    'svg': 'image/svg+xml',
    'png': 'image/png',
    'jpg': 'image/jpeg',
    'gif': 'image/gif',
    'pdf': 'application/pdf',
    'bin': 'application/octet-stream',
}

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r'[\t\x20-\x7e\x80-\U0010ffff]*')


def _refuse(argument, rule, value):
    raise InvalidOptionException(f'DFF.RESP: {argument} {rule}, got {value!r:.100}')


def _content_type(value, data):
    if value is None:
        if isinstance(data, bytes):
            return CONTENT_TYPES['bin']
        return CONTENT_TYPES['text' if isinstance(data, str) else 'json']
    if not isinstance(value, str) or not VALUE.fullmatch(value):
        _refuse('content_type', 'must be a str of one line', value)
    known = CONTENT_TYPES.get(value.lower())
    if known is None and not re.fullmatch(r'[^/\s;]+/[^/\s;]+(?:\s*;.*)?', value):
        _refuse('content_type', f'must be a full type or one of {", ".join(CONTENT_TYPES)}', value)
    return known or value


def _headers(fields):
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        _refuse('headers', 'must be a dict', fields)
    headers = {}
    for name, value in fields.items():
        if not isinstance(name, str) or not TOKEN.fullmatch(name):
            _refuse('headers', 'must have names of HTTP header fields', name)
        if not isinstance(value, (str, int, float)):
            _refuse(f'headers[{name!r}]', 'must be a str or a number', value)
        if not VALUE.fullmatch(str(value)):
            _refuse(f'headers[{name!r}]', 'must be one line', value)
        headers[name] = str(value)
    return headers


class Response:
    """What DFF.RESP returns: the body, and as JSON what nginx does with it."""

    __slots__ = ('data', 'control')

    def __init__(self, data, status_code=None, content_type=None, headers=None,
                 allow_304=False, download=False):
        control = {'contentType': _content_type(content_type, data), 'headers': _headers(headers)}
        if status_code is not None:
            if type(status_code) is not int or not 200 <= status_code <= 599:
                _refuse('status_code', 'must be an int from 200 to 599', status_code)
            control['statusCode'] = status_code
        if not isinstance(allow_304, bool):
            _refuse('allow_304', 'must be a bool', allow_304)
        if allow_304:
            control['allow304'] = True
        if not isinstance(download, (bool, str)) or not VALUE.fullmatch(str(download)):
            _refuse('download', 'must be a bool or a file name', download)
        if download:
            control['download'] = download
        self.data = data
        self.control = json.dumps(control, ensure_ascii=False)
