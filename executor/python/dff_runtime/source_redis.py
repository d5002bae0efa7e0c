"""Connector to Redis."""

import shlex

from .exceptions import InvalidOptionException
from .sources import CONNECT_TIMEOUT_S, Source, driver


def _decode(value):
    """Bytes that are UTF-8 as str; the others stay bytes."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, list):
        return [_decode(each) for each in value]
    if isinstance(value, tuple):
        return tuple(_decode(each) for each in value)
    if isinstance(value, set):
        return {_decode(each) for each in value}
    if isinstance(value, dict):
        return {_decode(key): _decode(each) for key, each in value.items()}
    return value


class Redis(Source):
    DEFAULTS = {'port': 6379, 'database': 0}

    def _connect(self):
        redis = driver(self._name, 'redis', 'python3-redis')
        return redis.Redis(
            host=self._field('host'), port=int(self._field('port')),
            db=int(self._field('database')), username=self._field('user') or None,
            password=self._field('password') or None, single_connection_client=True,
            socket_connect_timeout=CONNECT_TIMEOUT_S)

    @staticmethod
    def _close(connection):
        connection.close()
        connection.connection_pool.disconnect()

    @property
    def client(self):
        """The redis.Redis of this thread; it ends with the call."""
        return self._connection()

    def check(self):
        """True, or raises what the driver does."""
        self.query('PING')
        return True

    def query(self, *words):
        """The answer to a command: query('GET', 'key'), or query('GET key')."""
        if len(words) == 1 and isinstance(words[0], str):
            words = shlex.split(words[0])
        if not words:
            raise InvalidOptionException('DFF.SRC: a command of Redis has at least one word')
        try:
            return _decode(self._connection().execute_command(*words))
        except BaseException as error:
            if type(error).__name__ != 'ResponseError':
                self._drop()
            raise
