"""Scripts as modules, for code that does not use the import statement
(importlib.import_module, traceback, inspect). Import statements go through
_dff.import_, which is faster and knows the short form."""

import importlib.machinery

import _dff


class ScriptLoader:
    """__loader__ of script modules, and a finder at the end of sys.meta_path."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is not None or '__' not in name or '.' in name or name.endswith('__'):
            return None
        module = _dff.import_script(name)
        if module is None:
            return None
        return importlib.machinery.ModuleSpec(name, _Loaded(module))

    @staticmethod
    def get_source(name):
        return _dff.source(name)

    def __repr__(self):
        return '<scripts>'


class _Loaded:
    """The module has been made and run by the worker; importlib only has to take it."""

    def __init__(self, module):
        self._module = module

    def create_module(self, spec):
        return self._module

    def exec_module(self, module):
        pass
