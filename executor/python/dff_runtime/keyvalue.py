"""DFF.STORE and DFF.CACHE: keys and values of a scope, in MySQL and in Redis."""

import sys

import _dff

from .exceptions import InvalidOptionException

MAX_NAME = 256           # characters of a key or a scope

_frame = sys._getframe


def _default_scope():
    """The id of the script whose code asks: of an imported one, its own."""
    frame = _frame(2)
    while frame is not None:
        names = frame.f_globals
        if '_DFF_SCRIPT_ID' in names:
            return names['__name__']
        frame = frame.f_back
    return _dff.names().get('_DFF_SCRIPT_ID')     # a thread whose function is no script's


def _name(what, argument, value):
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME:
        raise InvalidOptionException(f'{what}: {argument} must be a str of 1 to {MAX_NAME}'
                                     f' characters, got {value!r:.100}')
    return value


def _number(what, argument, value, kinds, rule):
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise InvalidOptionException(f'{what}: {argument} must be {rule}, got {value!r:.100}')
    return value


def _expire(what, value):
    if value is None:
        return None
    _number(what, 'expire', value, (int, float), 'seconds above 0')
    if not 0 < value < 1e10:
        raise InvalidOptionException(f'{what}: expire must be seconds above 0, got {value!r}')
    return value


class Store:
    """Values are JSON and stay until they are deleted or expire."""

    __slots__ = ('_services',)

    def __init__(self, services):
        self._services = services

    def set(self, key, value, scope=None, expire=None, not_exists=False):
        """False: not_exists, and there is one already."""
        scope = scope or _default_scope()
        done = self._services('store.set', key=_name('DFF.STORE', 'key', key), value=value,
                              scope=_name('DFF.STORE', 'scope', scope),
                              expire=_expire('DFF.STORE', expire), notExists=bool(not_exists))
        return done is not False

    def get(self, key, scope=None):
        """None when there is none."""
        scope = scope or _default_scope()
        return self._services('store.get', key=_name('DFF.STORE', 'key', key),
                              scope=_name('DFF.STORE', 'scope', scope))

    def delete(self, key, scope=None):
        scope = scope or _default_scope()
        return self._services('store.delete', key=_name('DFF.STORE', 'key', key),
                              scope=_name('DFF.STORE', 'scope', scope))


def _text_dict(obj):
    if not isinstance(obj, dict) or not obj:
        raise InvalidOptionException('DFF.CACHE: obj must be a dict that is not empty,'
                                     f' got {obj!r:.100}')
    return {_name('DFF.CACHE', 'a field of obj', field): value for field, value in obj.items()}


def _field(value):
    return _name('DFF.CACHE', 'field', value)


def _integer(argument, value):
    return _number('DFF.CACHE', argument, value, int, 'an int')


class Cache:
    """Commands of Redis on keys of a scope; values are JSON, so that what was written is
    what is read. A key that is not there reads as None, an empty list or an empty dict."""

    __slots__ = ('_services',)

    def __init__(self, services):
        self._services = services

    def _ask(self, command, key, scope, **arguments):
        return self._services(f'cache.{command}', key=_name('DFF.CACHE', 'key', key),
                              scope=_name('DFF.CACHE', 'scope', scope), **arguments)

    def set(self, key, value, scope=None, expire=None, not_exists=False):
        """False: not_exists, and there is one already."""
        done = self._ask('set', key, scope or _default_scope(), value=value,
                         expire=_expire('DFF.CACHE', expire), notExists=bool(not_exists))
        return done is not False

    def get(self, key, scope=None):
        return self._ask('get', key, scope or _default_scope())

    def getset(self, key, value, scope=None):
        return self._ask('getset', key, scope or _default_scope(), value=value)

    def expire(self, key, expire, scope=None):
        return self._ask('expire', key, scope or _default_scope(),
                         expire=_expire('DFF.CACHE', expire))

    def delete(self, key, scope=None):
        return self._ask('delete', key, scope or _default_scope())

    def incr(self, key, step=1, scope=None):
        return self._ask('incr', key, scope or _default_scope(), step=_integer('step', step))

    def hkeys(self, key, pattern='*', scope=None):
        return self._ask('hkeys', key, scope or _default_scope(),
                         pattern=_name('DFF.CACHE', 'pattern', pattern))

    def hget(self, key, field=None, scope=None):
        """Without a field all of them, as a dict."""
        field = None if field is None else _field(field)
        return self._ask('hget', key, scope or _default_scope(), field=field)

    def hset(self, key, field, value, scope=None):
        return self._ask('hset', key, scope or _default_scope(), field=_field(field), value=value)

    def hmset(self, key, obj, scope=None):
        return self._ask('hmset', key, scope or _default_scope(), obj=_text_dict(obj))

    def hincr(self, key, field, step=1, scope=None):
        return self._ask('hincr', key, scope or _default_scope(), field=_field(field),
                         step=_integer('step', step))

    def hdel(self, key, field, scope=None):
        return self._ask('hdel', key, scope or _default_scope(), field=_field(field))

    def lpush(self, key, value, scope=None):
        return self._ask('lpush', key, scope or _default_scope(), value=value)

    def rpush(self, key, value, scope=None):
        return self._ask('rpush', key, scope or _default_scope(), value=value)

    def lpop(self, key, scope=None):
        return self._ask('lpop', key, scope or _default_scope())

    def rpop(self, key, scope=None):
        return self._ask('rpop', key, scope or _default_scope())

    def llen(self, key, scope=None):
        return self._ask('llen', key, scope or _default_scope())

    def lrange(self, key, start=0, stop=-1, scope=None):
        return self._ask('lrange', key, scope or _default_scope(),
                         start=_integer('start', start), stop=_integer('stop', stop))

    def ltrim(self, key, start, stop, scope=None):
        return self._ask('ltrim', key, scope or _default_scope(),
                         start=_integer('start', start), stop=_integer('stop', stop))

    def rpoplpush(self, key, dest_key=None, scope=None):
        """Without dest_key the list is turned by one."""
        dest = key if dest_key is None else dest_key
        return self._ask('rpoplpush', key, scope or _default_scope(),
                         destKey=_name('DFF.CACHE', 'dest_key', dest))
