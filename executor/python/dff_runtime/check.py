"""The check of a script before it is published, and the same in a draft run: its body is
run with a DFF whose API looks at all arguments, and a row for each exported function
comes out."""

import inspect

import _dff

from . import objects
from .exceptions import DuplicationException, InvalidOptionException, NotSupportException
from .options import SIGN_IN_ARGS, check_function, default_of

STARS = {inspect.Parameter.VAR_POSITIONAL: '*', inspect.Parameter.VAR_KEYWORD: '**'}


def log_messages(text):
    """The lines of a call's log; their time stamps without the milliseconds."""
    return [line[:20] + line[24:] if line[20:21] == '.' and line[24:25] == ']' else line
            for line in text.split('\n')[:-1]]


def _signature(function):
    """definition, args and kwargs of a row."""
    name = function.__name__
    shown, args, kwargs = [], [], {}
    keyword_only = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise NotSupportException(f'DFF.API: argument "{parameter.name}" of function "{name}"'
                                      ' is positional-only; callers give arguments by name')
        star = STARS.get(parameter.kind)
        if star is not None:
            keyword_only = keyword_only or star == '*'
            args.append(star + parameter.name)
            shown.append(star + parameter.name)
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            shown.append('*')
        args.append(parameter.name)
        kwargs[parameter.name] = {}
        shown.append(parameter.name)
        if parameter.default is not parameter.empty:
            kwargs[parameter.name]['default'] = default_of(parameter.default)
            shown[-1] += f'={parameter.default!r}'
    return {'definition': f'{name}({", ".join(shown)})', 'args': args, 'kwargs': kwargs}


class Check:
    """One check: `dff` is given to the script, `rows` asked for when its body has run."""

    def __init__(self, names, options, script_id):
        self._options = options
        self._script_id = script_id
        self._rows = {}
        self.dff = objects.make({**names, 'API': self._api})

    def _api(self, *args, **kwargs):
        if len(args) > 1:
            raise InvalidOptionException('DFF.API: only "title" is given by position')
        if not args and 'title' not in kwargs:
            raise InvalidOptionException('DFF.API: argument "title" is missing')
        declared = self._options.row(*args, **kwargs)

        def export(function):
            self._export(function, declared)
            return function

        return export

    def _export(self, function, declared):
        check_function(function)
        name = function.__name__
        line = function.__code__.co_firstlineno
        if name in self._rows:
            raise DuplicationException(f'DFF.API: function "{name}" is exported twice, at lines'
                                       f' {self._rows[name][0]} and {line}')
        row = {'name': name, 'title': declared['title'],
               'description': inspect.getdoc(function) or ''}
        row.update(_signature(function))
        row.update(declared)
        row['defOrder'] = len(self._rows)
        if row['integration'] == 'signIn':
            takes_all = any(arg.startswith('**') for arg in row['args'])
            if not takes_all and not set(SIGN_IN_ARGS) <= set(row['args']):
                raise InvalidOptionException(
                    f'DFF.API: function "{name}" with integration="signIn" needs the arguments '
                    + ' and '.join(SIGN_IN_ARGS))
        self._rows[name] = (line, row)

    def rows(self, namespace):
        """The rows, in the order of definition."""
        for name, (line, _) in self._rows.items():
            if not callable(namespace.get(name)):
                raise NotSupportException(
                    f'DFF.API: function "{name}" (line {line}) is not a function of the script'
                    ' itself: its name is gone when the script has run')
        return self._list()

    def _list(self):
        return [row for _, row in self._rows.values()]

    def outcome(self):
        """Of a draft, also of one that has failed: what there is so far."""
        return {'exportedAPIFuncs': self._list(), 'logMessages': log_messages(_dff.log_text())}
