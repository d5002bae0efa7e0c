"""Two nodes on one MySQL and one Redis, and what each of the stores says of a script."""

import contextlib
import json
import os

from node import Node


@contextlib.contextmanager
def two_nodes(session_node, test_folder, **settings):
    """Both running; they end, and their logs are looked at, when the block does."""
    def make(**more):
        return Node(test_folder / f'pair-{os.urandom(3).hex()}', session_node,
                    {**settings, **more})

    home = make()
    home.start()
    other = make(REDIS_PASSWORD=home.setting('REDIS_PASSWORD'))
    own = other.setting('MYSQL_DATABASE')
    other.set(**{key: home.setting(key) for key in (
        'SECRET', 'REDIS_SOCKET', 'REDIS_DATABASE', 'MYSQL_DATABASE') if home.setting(key)})
    other.start('executor', 'nginx')
    try:
        yield home, other
    finally:
        other.stop('executor', 'nginx')
        other.set(MYSQL_DATABASE=own)
        alarms = other.destroy() + home.destroy()
    assert not alarms, 'unexpected in the logs:\n' + '\n'.join(alarms)


def api_processes(*nodes):
    pids = []
    for node in nodes:
        for pid in node.processes('executor'):
            try:
                words = open(f'/proc/{pid}/cmdline').read().split('\0')
            except OSError:
                continue
            if '--api' in words:
                pids.append(pid)
    return pids


def in_mysql(node, script):
    """Published version of a script, 0: there is none."""
    text = node.sql(f"SELECT publishVersion FROM script WHERE id = '{script}';")
    return int(text or 0)


def in_redis(node, script):
    text = node.redis('HGET', 'dff:scripts', script)
    if text is None:
        return 0
    return (text if isinstance(text, dict) else json.loads(text))['version']
