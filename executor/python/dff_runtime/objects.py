"""DFF, the object that every script has."""

import json
import os

import _dff

from . import env, exceptions, func, keyvalue, services, sources, sql, thread
from .response import FileResponse, LargeResponse, Response

ALL = {}
MISSING = object()


class Config:
    """DFF.CONFIG: the CUSTOM_* keys of the configuration."""

    __slots__ = ('_texts',)

    PREFIX = 'CUSTOM_'

    def __init__(self, values):
        # As text: each reader gets a value of its own, nothing a call changes stays.
        self._texts = {key: json.dumps(value) for key, value in values.items()
                       if key.startswith(self.PREFIX)}

    def __call__(self, key):
        value = self.get(key, MISSING)
        if value is MISSING:
            raise exceptions.NotFoundException(f'no configuration key {key!r}')
        return value

    def get(self, key, default=None):
        if not isinstance(key, str) or not key.startswith(self.PREFIX):
            raise exceptions.AccessDenyException(
                f'scripts may read configuration keys that begin with {self.PREFIX}, not {key!r}')
        text = self._texts.get(key)
        return default if text is None else json.loads(text)

    def list(self):
        return [{'key': key, 'value': json.loads(text)} for key, text in self._texts.items()]

    def dict(self):
        return {key: json.loads(text) for key, text in self._texts.items()}


class Context:
    """DFF.CTX: values of the running call, shared by the scripts that it imports. The
    worker empties the dict after each call."""

    __slots__ = ('_values',)

    def __init__(self, values):
        self._values = values

    def get(self, key, default=None):
        return self._values.get(key, default)

    def set(self, key, value):
        self._values[key] = value

    def has(self, key):
        return key in self._values

    def delete(self, key):
        self._values.pop(key, None)

    def get_all(self):
        return dict(self._values)

    def clear(self):
        self._values.clear()


class Resources:
    """DFF.RSRC: paths of files in the resource folder."""

    __slots__ = ('_root',)

    def __init__(self, root):
        self._root = root

    def __call__(self, path):
        # Looked at for each call: the folder may be a link that moves, or not be
        # mounted yet when the zygote starts.
        root = os.path.realpath(self._root)
        full = os.path.realpath(os.path.join(root, os.fspath(path).lstrip('/')))
        if full != root and not full.startswith(root + os.sep):
            raise exceptions.AccessDenyException(f'{path!r} is outside the resource folder')
        return full


class _Base:
    __slots__ = ()

    def __getattr__(self, name):
        raise AttributeError(f'DFF has no {name!r} in this version; it has '
                             + ', '.join(sorted(key for key in ALL if not key.islower())))


def make(names):
    """A DFF object with these attributes, each in lower case as well."""
    attributes = dict(names)
    attributes.update((name.lower(), value) for name, value in names.items())
    return type('DFF', (_Base,), {'__slots__': (), '__module__': 'builtins', **attributes})()


def names(settings, ctx_values):
    """What DFF has: name -> value. Plain functions would become methods, so all of
    them are built-in functions, classes or objects that are called."""
    resources = Resources(settings['resourceRoot'])
    ask = services.Services(settings.get('servicesSocket'))
    # Whoever sends a file must know where it is, unless it is everywhere.
    node = None if settings.get('resourceRootShared') else settings.get('node')
    ALL.update({
        'API': _dff.API,
        'LOG': _dff.log,
        'EVAL': eval,
        'EXEC': exec,
        'ENV': env.Environment(ask),
        'STORE': keyvalue.Store(ask),
        'CACHE': keyvalue.Cache(ask),
        'FUNC': func.Func(ask, settings.get('chainMax') or 5),
        'SRC': sources.Sources(ask),
        'SQL': sql.Sql(),
        'THREAD': thread.Pool(settings.get('threadPoolSize') or 5),
        'CONFIG': Config(settings.get('custom') or {}),
        'CTX': Context(ctx_values),
        'RSRC': resources,
        'RESP': Response,
        'RESP_FILE': FileResponse(resources, node),
        'RESP_LARGE_DATA': LargeResponse(node),
    })
    ALL.update((each.__name__, each) for each in exceptions.ALL)
    return dict(ALL)
