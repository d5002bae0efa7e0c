"""Parts of a node that go another way to Redis, or to MySQL, than the rest of it."""

import contextlib
import re


def _without(text, keys):
    return re.sub(rf'(?m)^({"|".join(keys)}):.*\n', '', text)


def detour_text(node, settings):
    """The node's configuration with other settings. REDIS_PORT alone: at 127.0.0.1."""
    if 'REDIS_PORT' in settings:
        settings = {'REDIS_SOCKET': "''", 'REDIS_HOST': '127.0.0.1', **settings}
    return _without(node.config.read_text(), settings) + ''.join(
        f'{key}: {value}\n' for key, value in settings.items())


def detour_nginx(node, **settings):
    """From its next start nginx reads a file of its own, with these settings."""
    config = node.install / 'data/nginx-config.yaml'
    config.write_text(detour_text(node, settings))
    config.chmod(0o600)
    conf = node.install / 'nginx/nginx.conf'
    conf.write_text(conf.read_text().replace(str(node.config), str(config)))


@contextlib.contextmanager
def detour_executor(node, **settings):
    """An executor that starts within reads these settings; dffctl does not afterwards."""
    original = node.config.read_text()
    node.config.write_text(detour_text(node, settings))
    try:
        yield
    finally:
        node.config.write_text(original)
