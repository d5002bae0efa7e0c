"""DFF.ENV: environment variables, which the management sets."""

import json
import time

from .exceptions import NotFoundException

MAX_AGE_S = 0.9          # a change is seen within a second

TRUE = frozenset('true o y yes ok on'.split())
FALSE = frozenset('false x n no ng off'.split())

_monotonic, _loads = time.monotonic, json.loads
_missing = object()


def _boolean(text):
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE or not word:
        return False
    return int(word) > 0


def _comma_array(text):
    return [item.strip() for item in text.split(',')] if text.strip() else []


CASTS = {
    'string': str,
    'integer': int,
    'float': float,
    'boolean': _boolean,
    'json': _loads,
    'commaArray': _comma_array,
}


def _cast(id, row):
    type = row.get('type') or 'string'
    try:
        # Anew for each reader: what a call changes of a list is gone with it.
        return CASTS.get(type, str)(row['value'])
    except (ValueError, RecursionError) as error:
        raise ValueError(f'DFF.ENV: the value of "{id}" is not of type {type}: {error}') from None


class Environment:
    __slots__ = ('_services', '_rows', '_at')

    def __init__(self, services):
        self._services = services
        self._rows = self._at = None

    def _current(self):
        # The time before the request: the answer is at least as new.
        now = _monotonic()
        if self._at is None or not 0 <= now - self._at < MAX_AGE_S:
            rows = self._services('env.list')
            self._rows, self._at = {row['id']: row for row in rows}, now
        return self._rows

    def __call__(self, id):
        value = self.get(id, _missing)
        if value is _missing:
            raise NotFoundException(f'DFF.ENV: there is no environment variable {id!r}')
        return value

    def get(self, id, default=None):
        row = self._current().get(id)
        return default if row is None else _cast(id, row)

    def list(self):
        return [{'id': id, 'title': row.get('title'), 'type': row.get('type'),
                 'value': _cast(id, row)} for id, row in self._current().items()]
