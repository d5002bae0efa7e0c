"""DFF.SRC: connectors to data sources.

A connection is made at the first query of a call, one for each thread that asks, and
closed when the call ends: the next call meets no transaction, session variable or lost
reply of this one, a fork inherits nothing, and a changed password counts at once. What
that costs is a connect for each call that queries.
"""

import importlib
import threading

from . import ending, guards
from .exceptions import InvalidOptionException, NotSupportException

CONNECT_TIMEOUT_S = 5

# type -> module of this package, class, fields that must be there
CONNECTORS = {
    'mysql': ('source_sql', 'MySql', ('host', 'database', 'user', 'password')),
    'postgresql': ('source_sql', 'PostgreSql', ('host', 'database', 'user', 'password')),
    'redis': ('source_redis', 'Redis', ('host',)),
    'http': ('source_http', 'Http', ('host',)),
}
# What the others would need.
PACKAGES = {
    'influxdb': 'python3-influxdb',
    'memcached': 'python3-pymemcache',
    'clickhouse': 'python3-clickhouse-driver',
    'oracle': 'python3-oracledb',
    'sqlserver': 'python3-pymssql',
    'mongodb': 'python3-pymongo',
    'elasticsearch': 'python3-elasticsearch',
    'mqtt': 'python3-paho-mqtt',
    'nsq': 'gnsq (no package of the distribution)',
    'df_dataway': 'python3-requests',
    'df_datakit': 'python3-requests',
    'dff_sidecar': 'python3-requests',
}


def driver(source, module, package):
    """A driver, loaded when the first script needs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise NotSupportException(f'DFF.SRC: {source} needs the package {package}: {error}') \
            from None


class Source:
    """What all connectors have. A class says how to _connect() and to _close(connection)."""

    DEFAULTS = {}

    def __init__(self, name, config):
        self._name = name
        self._config = {**self.DEFAULTS,
                        **{key: value for key, value in config.items() if value is not None}}
        self._connections = {}        # thread -> connection
        self._is_over = False

    def __repr__(self):
        return f'<{self._name}>'

    def __reduce__(self):
        raise TypeError(f'{self._name} cannot be pickled')

    def _field(self, key):
        return self._config.get(key)

    def _connection(self):
        if self._is_over:
            raise InvalidOptionException(f'DFF.SRC: {self._name} is of a call that has ended')
        me = threading.get_ident()
        connection = self._connections.get(me)
        if connection is None:
            connection = self._connections[me] = self._connect()
        return connection

    def _drop(self):
        """The next query of this thread connects anew."""
        connection = self._connections.pop(threading.get_ident(), None)
        if connection is not None:
            self._quietly_close(connection)

    def _quietly_close(self, connection):
        try:
            self._close(connection)
        except Exception:
            pass          # it is gone, which is what was wanted

    def end(self):
        self._is_over = True
        while self._connections:
            self._quietly_close(self._connections.popitem()[1])


class Sources:
    """DFF.SRC('id'), DFF.SRC('id', database='other')"""

    __slots__ = ('_services', '_open')

    def __init__(self, services):
        self._services = services
        self._open = {}

    def __call__(self, id, database=None):
        if not isinstance(id, str):
            raise InvalidOptionException(f'DFF.SRC: the id must be a str, got {id!r:.100}')
        source = self._open.get((id, database))
        if source is None:
            row = self._services('src.get', id=id)
            config = dict(row['config'])
            if database is not None:
                config['database'] = database
            source = self._open[id, database] = self._make(
                f'data source "{id}" of type {row["type"]}', row['type'], config)
        return source

    def open(self, type, config):
        """A connector without a data source: its fields are those of one."""
        return self._make(f'connection of type {type}', type, config)

    def _make(self, name, type, config):
        if type not in CONNECTORS:
            package = PACKAGES.get(type)
            raise NotSupportException(
                f'DFF.SRC: no connector for {name}'
                + (f'; a script can use the package {package}' if package else '; there are: '
                   + ', '.join(CONNECTORS)))
        module, class_name, required = CONNECTORS[type]
        missing = [key for key in required if config.get(key) in (None, '')]
        if missing:
            raise InvalidOptionException(f'DFF.SRC: {name} has no {", ".join(missing)}')
        module = importlib.import_module('.' + module, __package__)
        guards.seal(module)
        made = getattr(module, class_name)(name, config)
        ending.register(lambda in_order: self._end(made))
        return made

    def _end(self, source):
        self._open.clear()
        source.end()
