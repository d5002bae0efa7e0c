"""Scripts through the management API, for its tests."""

import hashlib

CODE = '''@DFF.API('Twice', tags=['b', 'a'])
def twice(x, by=2):
    """Doubles.

    More about it."""
    return x * by
'''


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def publish(api, script, **body):
    return api.post(f'/api/v1/scripts/{script}/do/publish', body)


def script_with(admin, code, script='tset__one'):
    admin.add('scripts', id=script, codeDraft=code)
    return script
