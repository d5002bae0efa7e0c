"""sys.stdout and sys.stderr of scripts: what is written goes into the call's log; and
sys.stdin, which has nothing to read. Closing them closes nothing."""

import io

import _dff


class LogStream(io.TextIOBase):
    encoding = 'utf-8'
    errors = 'backslashreplace'
    line_buffering = True
    mode = 'w'
    name = '<call log>'
    write = staticmethod(_dff.write)

    def writable(self):
        return True

    def close(self):
        """The next call writes to it as well."""

    def reconfigure(self, **options):
        """It is UTF-8 already."""


class NoInput(io.TextIOBase):
    encoding = 'utf-8'
    errors = 'strict'
    mode = 'r'
    name = '<no input>'

    def readable(self):
        return True

    def read(self, size=-1):
        return ''

    def readline(self, size=-1):
        return ''

    def close(self):
        """The next call finds it as well."""
