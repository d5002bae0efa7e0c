"""_DFF_HTTP_REQUEST: the HTTP request behind a call."""

import json


class Headers(dict):
    """Header fields; names are compared without case."""

    __slots__ = ()

    def __init__(self, fields=()):
        super().__init__((str(name).lower(), value) for name, value in dict(fields).items())

    def __getitem__(self, name):
        return super().__getitem__(name.lower())

    def __contains__(self, name):
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name, default=None):
        return super().get(name.lower(), default)


# Methods of dict that must see the content.
_TOUCHING = (
    '__contains__', '__delitem__', '__eq__', '__ge__', '__getitem__', '__gt__', '__ior__',
    '__iter__', '__le__', '__len__', '__lt__', '__ne__', '__or__', '__repr__', '__reversed__',
    '__ror__', '__setitem__', 'copy', 'get', 'items', 'keys', 'pop', 'popitem', 'setdefault',
    'update', 'values',
)


class HttpRequest(dict):
    """A dict whose content is parsed when it is first touched: few scripts look at the
    request, and every call has one.

    Made in C without __init__ (dff_call_names.c): `_text` is the request's JSON as bytes,
    the dict has a first item 'headers', so that code which tests for emptiness without
    asking (json's C encoder) does not take it for an empty one."""

    __slots__ = ('_text',)

    def _load(self):
        text, self._text = self._text, None
        content = json.loads(text)
        content['headers'] = Headers(content.get('headers') or {})
        dict.clear(self)
        dict.update(self, content)

    def clear(self):
        self._text = None
        dict.clear(self)

    def __reduce_ex__(self, protocol):
        return dict, (dict(self),)


def _touching(name):
    method = getattr(dict, name)

    def touch(self, *args, **kwargs):
        if self._text is not None:
            self._load()
        return method(self, *args, **kwargs)

    touch.__name__ = name
    return touch


for _name in _TOUCHING:
    setattr(HttpRequest, _name, _touching(_name))
HttpRequest.__hash__ = None
