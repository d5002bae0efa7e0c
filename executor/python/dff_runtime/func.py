"""DFF.FUNC: starts another function as a task of its own."""

import _dff

from .exceptions import (DuplicationException, FuncChainTooLongException,
                         InvalidOptionException)


class Func:
    __slots__ = ('_services', '_chain_max')

    def __init__(self, services, chain_max):
        self._services = services
        self._chain_max = chain_max

    def __call__(self, func_id, kwargs=None):
        """The task id. Returns when the task is in its queue."""
        names = _dff.names()
        chain = names['_DFF_FUNC_CHAIN']
        if not isinstance(func_id, str):
            raise InvalidOptionException(f'DFF.FUNC: func_id must be a str, got {func_id!r:.100}')
        if kwargs is not None and not isinstance(kwargs, dict):
            raise InvalidOptionException(f'DFF.FUNC: kwargs must be a dict, got {kwargs!r:.100}')
        if func_id.startswith('__'):
            func_id = names['_DFF_SCRIPT_SET_ID'] + func_id
        if func_id in chain:
            raise DuplicationException(f'DFF.FUNC: "{func_id}" is in its own chain: '
                                       + ' -> '.join(chain + [func_id]))
        if len(chain) >= self._chain_max:
            raise FuncChainTooLongException(
                f'DFF.FUNC: a chain has at most {self._chain_max} functions: '
                + ' -> '.join(chain + [func_id]))
        return self._services(
            'func.start', funcId=func_id, kwargs=kwargs or {}, origin=names['_DFF_ORIGIN'],
            originId=names['_DFF_ORIGIN_ID'], rootTaskId=names['_DFF_ROOT_TASK_ID'],
            queue=names['_DFF_QUEUE'], traceId=names['_DFF_TRACE_ID'], chain=chain)
