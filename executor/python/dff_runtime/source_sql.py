"""Connectors to MySQL (MariaDB) and PostgreSQL."""

import contextlib
import select
import time

from .sources import CONNECT_TIMEOUT_S, Source, driver
from .sql import Sql

_format = Sql()


class SqlSource(Source):
    """Each statement is its own transaction, outside of transaction()."""

    DIALECT = None

    def check(self):
        """True, or raises what the driver does."""
        self._run('SELECT 1', None)
        return True

    def query(self, sql, params=None):
        """Rows as dicts; params as for DFF.SQL. Without rows: an empty list."""
        return self._run(sql, params)[0]

    def non_query(self, sql, params=None):
        """The number of rows that were changed."""
        return self._run(sql, params)[1]

    @contextlib.contextmanager
    def transaction(self):
        """with source.transaction(): commits at its end, or rolls back after an exception."""
        self._run('BEGIN', None)
        try:
            yield self
        except BaseException:
            try:
                self._run('ROLLBACK', None)
            except Exception:
                self._drop()
            raise
        self._run('COMMIT', None)

    def _run(self, sql, params):
        text = sql if params is None else _format(sql, params, self.DIALECT)
        connection = self._connection()
        try:
            return self._execute(connection, text)
        except Exception as error:
            if not self._is_refusal(error):
                self._drop()
            raise
        except BaseException:
            self._drop()
            raise


class MySql(SqlSource):
    DIALECT = 'mysql'
    DEFAULTS = {'port': 3306, 'charset': 'utf8mb4'}

    def _connect(self):
        pymysql = driver(self._name, 'pymysql', 'python3-pymysql')
        return pymysql.connect(
            host=self._field('host'), port=int(self._field('port')), user=self._field('user'),
            # As bytes: of a str the driver would make Latin-1.
            password=self._field('password').encode(), database=self._field('database'),
            charset=self._field('charset'), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S,
            cursorclass=pymysql.cursors.DictCursor)

    @staticmethod
    def _close(connection):
        connection._force_close()

    @staticmethod
    def _is_refusal(error):
        """Did the server answer, so that the connection is in order?"""
        import pymysql
        return (isinstance(error, pymysql.err.MySQLError) and error.args
                and isinstance(error.args[0], int) and 1000 <= error.args[0] < 2000)

    @staticmethod
    def _execute(connection, text):
        with connection.cursor() as cursor:
            changed = cursor.execute(text)
            return list(cursor.fetchall()), changed


class PostgreSql(SqlSource):
    """Asynchronous inside: libpq's own wait would not hear of the time limit."""

    DIALECT = 'postgresql'
    DEFAULTS = {'port': 5432, 'charset': 'utf8'}

    def _connect(self):
        psycopg2 = driver(self._name, 'psycopg2', 'python3-psycopg2')
        connection = psycopg2.connect(
            host=self._field('host'), port=int(self._field('port')), user=self._field('user'),
            password=self._field('password'), dbname=self._field('database'),
            client_encoding=self._field('charset'), connect_timeout=CONNECT_TIMEOUT_S,
            async_=True)
        try:
            self._wait(connection, CONNECT_TIMEOUT_S)
            if connection.get_parameter_status('standard_conforming_strings') != 'on':
                self._execute(connection, 'SET standard_conforming_strings = on')
        except BaseException:
            self._quietly_close(connection)
            raise
        return connection

    @staticmethod
    def _close(connection):
        # The server would go on with a query that nobody waits for.
        if not connection.closed and connection.isexecuting():
            connection.cancel()
        connection.close()

    @staticmethod
    def _is_refusal(error):
        return getattr(error, 'pgcode', None) is not None

    @staticmethod
    def _wait(connection, seconds=None):
        import psycopg2.extensions
        events = {psycopg2.extensions.POLL_READ: select.POLLIN,
                  psycopg2.extensions.POLL_WRITE: select.POLLOUT}
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            state = connection.poll()
            if state == psycopg2.extensions.POLL_OK:
                return
            poll = select.poll()
            poll.register(connection.fileno(), events[state])
            left = None if deadline is None else max(0, deadline - time.monotonic()) * 1000
            if not poll.poll(left):
                raise TimeoutError(f'no connection to PostgreSQL in {seconds} s')

    def _execute(self, connection, text):
        with connection.cursor() as cursor:
            cursor.execute(text)
            self._wait(connection)
            if cursor.description is None:
                return [], cursor.rowcount
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()], cursor.rowcount
