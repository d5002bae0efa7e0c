"""Arguments of DFF.API: what each may be. Looked at when a script is published."""

import json
import math
import types

from . import crontab
from .exceptions import InvalidOptionException, NotSupportException

INTEGRATIONS = ('signIn', 'autoRun')
SIGN_IN_ARGS = ('username', 'password')
MAX_MEMORY_MB = 1 << 20
MAX_DELAY_S = 24 * 3600
MAX_DELAYS = 100


def refuse(argument, rule, value):
    raise InvalidOptionException(
        f'DFF.API: argument "{argument}" must be {rule}, got {value!r:.100}')


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def integer(argument, value, lowest, highest):
    if not is_int(value) or not lowest <= value <= highest:
        refuse(argument, f'an int from {lowest} to {highest}', value)
    return value


def boolean(argument, value):
    if not isinstance(value, bool):
        refuse(argument, 'a bool', value)
    return value


def cron(argument, value):
    problem = crontab.problem(value)
    if problem is not None:
        refuse(argument, f'a 5-field crontab ({problem})', value)
    return ' '.join(value.split())


def text(argument, value):
    if not isinstance(value, str) or not value.strip():
        refuse(argument, 'a str that is not empty', value)
    return value


class Options:
    """Checks the arguments; the limits and queue names are those of the configuration."""

    def __init__(self, settings):
        self.timeout_range = settings.get('timeoutRange') or [1, 3600]
        self.api_timeout_range = settings.get('apiTimeoutRange') or [1, 180]
        self.queue_aliases = settings.get('queueAliases') or {}
        # argument -> (name in extraConfig, check)
        self.extra = {
            'timeout': ('timeout', lambda a, v: integer(a, v, *self.timeout_range)),
            'api_timeout': ('apiTimeout', lambda a, v: integer(a, v, *self.api_timeout_range)),
            'cache_result': ('cacheResult', self._cache_result),
            'queue': ('queue', self._queue),
            'fixed_crontab': ('fixedCrontab', cron),
            'delayed_crontab': ('delayedCrontab', self._delays),
            'is_hidden': ('isHidden', boolean),
            'retry_on_lost': ('retryOnLost', boolean),
            'max_memory': ('maxMemory', lambda a, v: integer(a, v, 1, MAX_MEMORY_MB)),
        }

    @staticmethod
    def _cache_result(argument, value):
        is_number = is_int(value) or isinstance(value, float) and math.isfinite(value)
        if not is_number or value < 0:
            refuse(argument, 'seconds (an int or float from 0)', value)
        return value

    def _queue(self, argument, value):
        if is_int(value) and 0 <= value <= 9:
            return value
        if isinstance(value, str) and value in self.queue_aliases:
            return self.queue_aliases[value]
        aliases = ', '.join(repr(alias) for alias in self.queue_aliases)
        refuse(argument, f'an int from 0 to 9 or an alias ({aliases or "none configured"})', value)

    @staticmethod
    def _delays(argument, value):
        delays = list(value) if isinstance(value, (list, tuple)) else [value]
        if (not 1 <= len(delays) <= MAX_DELAYS
                or not all(is_int(delay) and 0 <= delay <= MAX_DELAY_S for delay in delays)):
            refuse(argument, f'seconds from 0 to {MAX_DELAY_S} (an int or a list of up to'
                             f' {MAX_DELAYS})', value)
        return sorted(set(delays))

    @staticmethod
    def _tags(value):
        if not isinstance(value, (list, tuple)) or not all(
                isinstance(tag, str) and tag for tag in value):
            refuse('tags', 'a list of str', value)
        return sorted(set(value))

    @staticmethod
    def _integration_config(integration, value):
        if integration != 'autoRun':
            raise InvalidOptionException(
                'DFF.API: argument "integration_config" needs integration="autoRun"')
        checks = {'crontab': cron, 'onLaunch': boolean, 'onPublish': boolean}
        if not isinstance(value, dict) or not value.keys() <= checks.keys():
            refuse('integration_config', f'a dict with {", ".join(checks)}', value)
        return {key: checks[key](f'integration_config["{key}"]', each)
                for key, each in value.items()}

    def row(self, title, category='general', tags=(), integration=None, integration_config=None,
            **extra):
        """The part of a function's row that its decorator says."""
        row = {
            'title': text('title', title),
            'category': text('category', category),
            'tags': self._tags(tags if tags is not None else ()),
            'integration': integration,
            'extraConfig': {},
        }
        if integration is not None and integration not in INTEGRATIONS:
            refuse('integration', f'one of {", ".join(INTEGRATIONS)}', integration)
        for argument, value in extra.items():
            if argument not in self.extra:
                known = ['title', 'category', 'tags', 'integration', 'integration_config']
                raise InvalidOptionException(
                    f'DFF.API: unknown argument "{argument}"; there are: '
                    + ', '.join(known + list(self.extra)))
            if value is not None:
                name, check = self.extra[argument]
                row['extraConfig'][name] = check(argument, value)
        if integration_config is not None:
            row['extraConfig']['integrationConfig'] = self._integration_config(
                integration, integration_config)
        return row


def check_function(function):
    """Only functions of the script itself can be called by their name."""
    if not isinstance(function, types.FunctionType):
        raise NotSupportException(
            f'DFF.API: exports functions, got {type(function).__name__} {function!r:.100}')
    name = function.__name__
    if not name.isascii() or not name.isidentifier():
        raise NotSupportException(f'DFF.API: {name!r} cannot be the name of an exported function')
    flags = function.__code__.co_flags
    if flags & 0x80 or flags & 0x200:      # CO_COROUTINE, CO_ASYNC_GENERATOR
        raise NotSupportException(f'DFF.API: function "{name}" is async, which is not supported')


def default_of(value):
    """A default value as the function documents show it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return repr(value)
