"""A node with one worker for each group of queues, so that a call meets what the call
before it has left; and a way to run any text in it through HTTP."""

import contextlib
import json
import os

from node import Node

# The text is run as a script's body is: in the namespace of a module, fresh for each call.
RUNNER = '''
def _run(code, kwargs):
    exec(compile(code, __name__, 'exec'), globals())
    return globals()['f'](**(kwargs or {}))


@DFF.API('Runs a text', timeout=40, api_timeout=60)
def run(code, kwargs=None):
    return _run(code, kwargs)


@DFF.API('Runs a text that is ended after a second', timeout=1, api_timeout=60)
def run_for_a_second(code, kwargs=None):
    return _run(code, kwargs)


@DFF.API('Runs a text with little memory', timeout=40, api_timeout=60, max_memory=64)
def run_in_64_mb(code, kwargs=None):
    return _run(code, kwargs)
'''


class ScriptNode(Node):
    def start_with_runner(self):
        self.start()
        self.ctl('script', 'publish', '-', '--id', 't__run', stdin=RUNNER)
        for name in ('run', 'run_for_a_second', 'run_in_64_mb'):
            self.ctl('link', 'add', f't__run.{name}', '--id', 'auln-' + name.replace('_', '-'))

    def run(self, code, kwargs=None, link='auln-run', **options):
        """The answer to a text whose function f is called."""
        return self.post(f'/api/v1/al/{link}', {
            'kwargs': {'code': code, 'kwargs': kwargs or {}}, 'options': options}, timeout=90)

    def value(self, code, kwargs=None, **options):
        answer = self.run(code, kwargs, **options)
        assert answer.status == 200, answer
        return json.loads(answer.body) if 'json' in answer.headers['content-type'] else answer.text

    def error(self, code, kwargs=None, **options):
        """The error object of a text that fails."""
        answer = self.run(code, kwargs, **options)
        assert answer.status == 599, answer
        return answer.json

    def einfo(self, code, kwargs=None, **options):
        return self.error(code, kwargs, **options)['detail']['einfoTEXT']


@contextlib.contextmanager
def running(test_folder, session_node, **settings):
    """One of them, for the tests of a module."""
    node = ScriptNode(test_folder / f's{os.urandom(3).hex()}', session_node,
                      {'_WORKER_CONCURRENCY': 1, **settings})
    try:
        node.start_with_runner()
        yield node
    finally:
        alarms = node.destroy()
    assert not alarms, 'unexpected in the logs:\n' + '\n'.join(alarms)
