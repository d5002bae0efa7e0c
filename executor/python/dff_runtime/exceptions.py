"""Exceptions of the platform. Scripts have them as DFF.<name>."""


class DataFluxFuncBaseException(Exception):
    """What all of them derive from."""


class NotFoundException(DataFluxFuncBaseException):
    """Something that is named does not exist."""


class DuplicationException(DataFluxFuncBaseException):
    """Something that must be unique is there twice."""


class NotSupportException(DataFluxFuncBaseException):
    """This cannot be done here."""


class InvalidOptionException(DataFluxFuncBaseException):
    """An argument has a value that is not allowed."""


class AccessDenyException(DataFluxFuncBaseException):
    """A script may not have this."""


class FuncChainTooLongException(DataFluxFuncBaseException):
    """Functions have started functions too many times in a row."""


ALL = (
    DataFluxFuncBaseException,
    NotFoundException,
    DuplicationException,
    NotSupportException,
    InvalidOptionException,
    AccessDenyException,
    FuncChainTooLongException,
)

# In tracebacks they read as scripts write them.
for _class in ALL:
    _class.__module__ = 'DFF'
