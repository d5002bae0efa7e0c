"""The functions as a plain WSGI program, JSON in and out: what a user writes who needs
no platform and no queue."""

import json
from urllib.parse import parse_qs

import functions


def arguments(environ):
    if environ['REQUEST_METHOD'] == 'POST':
        size = int(environ.get('CONTENT_LENGTH') or 0)
        return json.loads(environ['wsgi.input'].read(size)).get('kwargs') or {}
    query = parse_qs(environ.get('QUERY_STRING', ''))
    return json.loads(query['kwargs'][0]) if 'kwargs' in query else {}


def application(environ, start_response):
    function = getattr(functions, environ['PATH_INFO'][1:], None)
    if function is None:
        start_response('404 Not Found', [('Content-Type', 'text/plain')])
        return [b'no such function']
    result = function(**arguments(environ))
    if isinstance(result, str):
        body, kind = result.encode(), 'text/plain; charset=utf-8'
    else:
        body, kind = json.dumps(result).encode(), 'application/json; charset=utf-8'
    start_response('200 OK', [('Content-Type', kind), ('Content-Length', str(len(body)))])
    return [body]
