"""The functions that are called, the same on every side: the peers import them, DFF
publishes them as a script (peer_dff.py adds the decorators)."""
import time


def test_func():
    return 'ok'


def size(data):
    return len(data)


def make(size):
    return 'x' * size


def nap(seconds):
    time.sleep(seconds)
    return 'rested'
