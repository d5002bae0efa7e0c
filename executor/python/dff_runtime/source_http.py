"""Connector to a server that speaks HTTP."""

import base64
import http.client
import json as json_module
import ssl
import urllib.parse

from .exceptions import InvalidOptionException
from .http_request import Headers
from .sources import CONNECT_TIMEOUT_S, Source

TIMEOUT_S = 30
MAX_BODY = 64 << 20
PORTS = {'http': 80, 'https': 443}
# Of a path and its query as callers write them; what is escaped stays so.
SAFE = "/?:@!$&'()*+,;=~%-._[]"


class Response:
    """status_code, headers (names without case), content (bytes), text, json()"""

    def __init__(self, status_code, headers, content):
        self.status_code = status_code
        self.headers = headers
        self.content = content

    @property
    def text(self):
        charset = 'utf-8'
        for part in self.headers.get('content-type', '').split(';')[1:]:
            name, _, value = part.strip().partition('=')
            if name.lower() == 'charset':
                charset = value.strip('"\' ')
        try:
            return self.content.decode(charset, 'replace')
        except LookupError:
            return self.content.decode('utf-8', 'replace')

    def json(self):
        return json_module.loads(self.content)

    def __repr__(self):
        return f'<response {self.status_code} of {len(self.content)} bytes>'


class Http(Source):
    """One server: a path says what is asked of it, never another server. Redirects are
    answers like others."""

    DEFAULTS = {'protocol': 'http'}

    def __init__(self, name, config):
        super().__init__(name, config)
        if self._field('protocol') not in PORTS:
            raise InvalidOptionException(f'DFF.SRC: {name}: protocol must be http or https, got'
                                         f' {self._field("protocol")!r:.100}')

    def _connect(self):
        protocol = self._field('protocol')
        port = int(self._field('port') or PORTS[protocol])
        if protocol == 'https':
            return http.client.HTTPSConnection(self._field('host'), port,
                                               timeout=CONNECT_TIMEOUT_S,
                                               context=ssl.create_default_context())
        return http.client.HTTPConnection(self._field('host'), port, timeout=CONNECT_TIMEOUT_S)

    @staticmethod
    def _close(connection):
        connection.close()

    def _headers(self, headers):
        sent = {'Accept': '*/*', 'User-Agent': 'DFF'}
        if self._field('token'):
            sent['Authorization'] = f'Bearer {self._field("token")}'
        elif self._field('user'):
            pair = f'{self._field("user")}:{self._field("password") or ""}'
            sent['Authorization'] = 'Basic ' + base64.b64encode(pair.encode()).decode()
        sent.update(headers or {})
        return sent

    def check(self):
        """True when the server answers, whatever; or raises what went wrong."""
        self.request('HEAD', '/')
        return True

    def query(self, statement):
        """query('GET /path?a=b')"""
        method, _, path = statement.strip().partition(' ')
        return self.request(method, path.strip())

    def get(self, path, **options):
        return self.request('GET', path, **options)

    def post(self, path, **options):
        return self.request('POST', path, **options)

    def request(self, method, path, query=None, headers=None, body=None, json=None,
                timeout=TIMEOUT_S):
        """query: a dict, added to the path; body: str or bytes, or json: any value."""
        if not isinstance(path, str) or not path.startswith('/'):
            raise InvalidOptionException(f'DFF.SRC: a path must begin with /, got {path!r:.100}')
        path = urllib.parse.quote(path, safe=SAFE)
        if query:
            path += ('&' if '?' in path else '?') + urllib.parse.urlencode(query, doseq=True)
        headers = self._headers(headers)
        if json is not None:
            body = json_module.dumps(json)
            headers.setdefault('Content-Type', 'application/json')
        if isinstance(body, str):
            body = body.encode()
        try:
            return self._exchange(method, path, headers, body, timeout)
        except BaseException:
            self._drop()
            raise

    def _exchange(self, method, path, headers, body, timeout):
        connection = self._connection()
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(timeout)
        connection.request(method, path, body, headers)
        raw = connection.getresponse()
        content = raw.read(MAX_BODY + 1)
        if len(content) > MAX_BODY:
            raise InvalidOptionException(f'DFF.SRC: an answer of more than {MAX_BODY} bytes')
        return Response(raw.status, Headers(raw.getheaders()), content)
