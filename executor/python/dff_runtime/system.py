"""What the management API asks of a worker: jobs of kind `system`, each a task of the
table below. A failure that is the answer (a data source that cannot be reached, or not in
time) is a result, {'etype', 'message', 'timeout'}; what raises is a fault of ours."""

import os
import re
import socket
import sys

import _dff
from billiard.exceptions import SoftTimeLimitExceeded

from .exceptions import InvalidOptionException
from .sources import CONNECT_TIMEOUT_S, CONNECTORS

MAX_TEXT = 4096
# Types whose servers speak HTTP, and those that take no query.
HTTP_TYPES = ('influxdb', 'elasticsearch', 'df_dataway', 'df_datakit', 'dff_sidecar')
NO_QUERY = ('df_dataway', 'df_datakit', 'dff_sidecar', 'nsq', 'mqtt')


def _failure(error):
    if isinstance(error, SoftTimeLimitExceeded):
        return {'etype': 'TimeoutError', 'timeout': True}
    return {'etype': type(error).__name__, 'message': str(error)[:MAX_TEXT]}


# --- data sources ------------------------------------------------------------------------


def _addresses(config):
    """(host, port) of a config without a connector of its own."""
    for server in (config.get('servers') or '').split(','):
        host, _, port = server.strip().rpartition(':')
        if not host:
            host, port = port, ''
        if host:
            yield host.strip('[]'), int(port or config.get('port') or 0)
    if not config.get('servers'):
        yield config.get('host'), int(config.get('port') or 0)


def _reach(config):
    """There is no driver to talk with: does the server take a connection?"""
    reached = False
    for host, port in _addresses(config):
        if not host:
            raise InvalidOptionException('neither host nor servers say where it is')
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
        reached = True
    if not reached:
        raise InvalidOptionException('servers names none')


def _influxdb(http, statement, database):
    query = {'q': statement, **({'db': database} if database else {})}
    return http.post('/query', query=query)


def _elasticsearch(http, statement, database):
    return http.query(statement)


HTTP_QUERIES = {'influxdb': _influxdb, 'elasticsearch': _elasticsearch}


def _http_value(response):
    """The answer's value; an error of the server is one of the query."""
    if response.status_code >= 400:
        raise RuntimeError(f'HTTP {response.status_code}: {response.text[:MAX_TEXT]}')
    try:
        return response.json()
    except ValueError:
        return response.text


# --- packages ------------------------------------------------------------------------------


def canonical(name):
    """Names of packages are the same when these are."""
    return re.sub(r'[-_.]+', '-', name).lower()


def _packages(paths, is_builtin, found):
    import importlib.metadata
    for distribution in importlib.metadata.distributions(path=paths):
        name = distribution.metadata['Name']
        if name and canonical(name) not in found:
            found[canonical(name)] = {'name': name, 'version': distribution.version,
                                      'isBuiltin': is_builtin}


class System:
    """system('dff__source.check', {…})"""

    def __init__(self, settings, sources):
        self._sources = sources
        self._ask = sources._services
        self._resources = settings['resourceRoot']
        self._tasks = {
            'dff__source.check': self._check,
            'dff__source.query': self._query,
            'dff__worker.image': self._image,
            'dff__worker.packages': self._installed,
        }

    def __call__(self, name, arguments):
        return self._tasks[name](**arguments)

    def _source(self, id=None, trial=None):
        """Type and config of a data source: a stored one, or one that is to be stored."""
        row = self._ask('src.get', id=id) if trial is None else self._ask('src.trial', token=trial)
        return row['type'], row['config']

    def _check(self, **which):
        kind, config = self._source(**which)
        try:
            if kind in CONNECTORS:
                self._sources.open(kind, config).check()
            elif kind in HTTP_TYPES:
                self._sources.open('http', config).check()
            else:
                _reach(config)
        except Exception as error:
            return _failure(error)
        return {'result': 'OK'}

    def _query(self, id, statement, database=None, returnType='json'):
        kind, config = self._source(id)
        if database is not None:
            config['database'] = database
        try:
            value = self._run(kind, config, statement)
        except Exception as error:
            return _failure(error)
        if returnType == 'repr':
            import pprint
            value = pprint.pformat(value)
        return {'result': value}

    def _run(self, kind, config, statement):
        from .source_http import Response
        if kind in NO_QUERY:
            return None
        if kind in HTTP_QUERIES:
            http = self._sources.open('http', config)
            return _http_value(HTTP_QUERIES[kind](http, statement, config.get('database')))
        value = self._sources.open(kind, config).query(statement)
        return _http_value(value) if isinstance(value, Response) else value

    def _image(self):
        return {'CREATE_TIMESTAMP': 0, 'CI_COMMIT_REF_NAME': _dff.VERSION,
                'PLATFORM': os.uname().machine, 'CI_PIPELINE_ID': '', 'CI_JOB_ID': '',
                'CI_BUILD_ID': ''}

    def _installed(self):
        found = {}
        extra = self._resources + '/extra-python-packages'
        _packages([path for path in sys.path if path.rstrip('/') not in (extra, self._resources)],
                  True, found)
        _packages([extra], False, found)
        return sorted(found.values(), key=lambda package: package['name'].lower())
