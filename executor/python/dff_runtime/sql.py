"""DFF.SQL: values and identifiers put into SQL text so that they stay what they are.

`?` becomes a value, `??` an identifier. Neither is looked for inside a literal, a quoted
identifier or a comment, where no quoting would be right.

                mysql (also MariaDB)               postgresql
text            '…', quotes and \\ doubled, NUL      '…', quotes doubled; NUL refused.
                as \\0. Right with and without       standard_conforming_strings is on,
                NO_BACKSLASH_ESCAPES for safety,    the default since 9.1
                exact without (the default)
identifier      `…`, ` doubled                      "…", " doubled
bytes           X'…'                                '\\x…'::bytea
"""

import datetime
import decimal
import math
import re

from .exceptions import InvalidOptionException

_COMMON = r"""
    (?P<ident>\?\?) | (?P<value>\?) |
    /\*.*?(?:\*/|\Z) |
"""
# What is passed over. A literal or comment that does not end goes to the end of the text.
TOKENS = {
    'mysql': re.compile(_COMMON + r"""
        '(?:[^'\\]|\\.|'')*(?:'|\Z) | "(?:[^"\\]|\\.|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) |
        \#[^\n]* | --(?=\s|\Z)[^\n]*
    """, re.VERBOSE | re.DOTALL),
    'postgresql': re.compile(_COMMON + r"""
        \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) |
        \$(?P<tag>[A-Za-z_0-9]*)\$.*?(?:\$(?P=tag)\$|\Z) | --[^\n]*
    """, re.VERBOSE | re.DOTALL),
}
QUOTES = {'mysql': '`', 'postgresql': '"'}


def _refuse(rule, value):
    raise InvalidOptionException(f'DFF.SQL: {rule}, got {value!r:.100}')


def _text(value, dialect):
    if dialect == 'mysql':
        value = value.replace('\\', '\\\\').replace('\0', '\\0')
    elif '\0' in value:
        _refuse('PostgreSQL has no texts with a NUL character', value)
    return "'" + value.replace("'", "''") + "'"


def _bytes(value, dialect):
    digits = bytes(value).hex()
    return f"X'{digits}'" if dialect == 'mysql' else f"'\\x{digits}'::bytea"


def _number(value, dialect):
    if not math.isfinite(value):
        _refuse('numbers must be finite', value)
    return str(value) if isinstance(value, decimal.Decimal) else repr(value)


def _is_number(value):
    return isinstance(value, (int, float, decimal.Decimal))


def literal(value, dialect='mysql'):
    """The SQL of one value."""
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return 'TRUE' if value else 'FALSE'
    if _is_number(value):
        # The text of the number itself: a subclass (an enum, say) may have its own.
        base = next(kind for kind in (int, float, decimal.Decimal) if isinstance(value, kind))
        return _number(base(value), dialect)
    if isinstance(value, str):
        return _text(str.__str__(value), dialect)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(value, dialect)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        separator = {'sep': ' '} if isinstance(value, datetime.datetime) else {}
        return _text(value.isoformat(**separator), dialect)
    if isinstance(value, (list, tuple)):
        return _list(value, dialect, literal)
    # A dict is refused on purpose: as `a = ?` it would become a condition of its own.
    _refuse('values are None, bool, numbers, str, bytes, dates and times, or lists of them', value)


def _list(values, dialect, write):
    """1, 2 of [1, 2], as for IN (?); (1, 2), (3, 4) of lists in a list, as for VALUES ?."""
    if not values:
        _refuse('a list must not be empty', values)
    return ', '.join(f'({write(each, dialect)})' if isinstance(each, (list, tuple))
                     else write(each, dialect) for each in values)


def identifier(name, dialect='mysql'):
    """The SQL of a name; schema.table is two; of a list, all of it."""
    if isinstance(name, (list, tuple)):
        if not all(isinstance(each, str) for each in name):
            _refuse('a list of identifiers must be of str', name)
        return _list(name, dialect, identifier)
    if not isinstance(name, str) or '\0' in name or not all(name.split('.')):
        _refuse('an identifier must be a str that is not empty', name)
    quote = QUOTES[dialect]
    return '.'.join(quote + part.replace(quote, quote * 2) + quote for part in name.split('.'))


class Sql:
    """DFF.SQL(sql, params=None, dialect='mysql')"""

    __slots__ = ()

    def __call__(self, sql, params=None, dialect='mysql'):
        if dialect not in TOKENS:
            _refuse(f'dialect must be one of {", ".join(TOKENS)}', dialect)
        if not isinstance(sql, str):
            _refuse('sql must be a str', sql)
        if params is None:
            params = ()
        elif not isinstance(params, (list, tuple)):
            params = (params,)
        rest = iter(params)
        count = 0

        def put(match):
            nonlocal count
            kind = match.lastgroup
            if kind not in ('ident', 'value'):
                return match[0]
            count += 1
            for param in rest:
                return (identifier if kind == 'ident' else literal)(param, dialect)
            raise InvalidOptionException(f'DFF.SQL: there are {len(params)} params, but the SQL'
                                         ' has more places for them')

        text = TOKENS[dialect].sub(put, sql)
        if count != len(params):
            raise InvalidOptionException(f'DFF.SQL: there are {len(params)} params, but the SQL'
                                         f' has {count} places for them')
        return text
