"""DFF.RESP, DFF.RESP_FILE, DFF.RESP_LARGE_DATA: results with their own status, type and
headers, and results that are files."""

import json
import mimetypes
import os
import re

from .exceptions import InvalidOptionException, NotFoundException

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
    'yaml': 'application/yaml; charset=utf-8',
    'md': 'text/markdown; charset=utf-8',
    'htm': 'text/html; charset=utf-8',
    'jpeg': 'image/jpeg',
    'webp': 'image/webp',
    'ico': 'image/x-icon',
    'zip': 'application/zip',
    'mp3': 'audio/mpeg',
    'mp4': 'video/mp4',
    'xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
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


# The built-in table alone: the same on every machine.
_types = mimetypes.MimeTypes()


def _type_of_file(path):
    known = CONTENT_TYPES.get(os.path.splitext(path)[1][1:].lower())
    if known:
        return known
    guessed, encoding = _types.guess_type(path)
    if guessed is None or encoding is not None:
        return CONTENT_TYPES['bin']
    return guessed


def _flag(argument, value):
    if not isinstance(value, bool):
        _refuse(argument, 'must be a bool', value)
    return value


def _control(content_type, status_code, headers, allow_304, download):
    control = {'contentType': content_type, 'headers': _headers(headers)}
    if status_code is not None:
        if type(status_code) is not int or not 200 <= status_code <= 599:
            _refuse('status_code', 'must be an int from 200 to 599', status_code)
        control['statusCode'] = status_code
    if _flag('allow_304', allow_304):
        control['allow304'] = True
    if not isinstance(download, (bool, str)) or not VALUE.fullmatch(str(download)):
        _refuse('download', 'must be a bool or a file name', download)
    if download:
        control['download'] = download
    return control


class Response:
    """What DFF.RESP returns: the body, and as JSON what nginx does with it. The worker
    adds to the JSON what it knows only when the body is written: the ETag of one that may
    be answered 304 (has_etag), the path of one that goes to a file (is_large)."""

    __slots__ = ('data', 'control', 'has_etag', 'is_large')

    def __init__(self, data, status_code=None, content_type=None, headers=None,
                 allow_304=False, download=False):
        control = _control(_content_type(content_type, data), status_code, headers, allow_304,
                           download)
        self._set(data, control, has_etag=allow_304)

    def _set(self, data, control, has_etag=False, is_large=False):
        self.data = data
        self.control = json.dumps(control, ensure_ascii=False)
        self.has_etag = has_etag
        self.is_large = is_large
        return self


def _new(data, control, **flags):
    return Response.__new__(Response)._set(data, control, **flags)


class FileResponse:
    """DFF.RESP_FILE: a file of the resource folder, which nginx sends."""

    __slots__ = ('_resources', '_node')

    def __init__(self, resources, node):
        self._resources = resources
        self._node = node

    def __call__(self, path, status_code=None, headers=None, allow_304=False,
                 auto_delete=False, download=True):
        full = self._resources(path)
        if not os.path.isfile(full):
            raise NotFoundException(f'DFF.RESP_FILE: there is no file {os.fspath(path)!r} in the '
                                    f'resource folder')
        if download is True:
            download = os.path.basename(full)
        control = _control(_type_of_file(full), status_code, headers, allow_304, download)
        control['file'] = os.path.relpath(full, self._resources(''))
        if _flag('auto_delete', auto_delete):
            control['autoDelete'] = True
        if self._node:
            control['node'] = self._node
        return _new(b'', control)


class LargeResponse:
    """DFF.RESP_LARGE_DATA: the body goes to a file below .downloads, not through Redis."""

    __slots__ = ('_node',)

    def __init__(self, node):
        self._node = node

    def __call__(self, data, content_type=None):
        control = _control(_content_type(content_type, data), None, None, False, False)
        if self._node:
            control['node'] = self._node
        return _new(data, control, is_large=True)
