"""What is measured with wrk: a row for each case."""

import collections
import json

Case = collections.namedtuple('Case', 'name function connections kwargs')
# kwargs None: a GET without arguments
CASES = [
    Case('trivial call, 1 connection', 'test_func', 1, None),
    Case('trivial call, 8 connections', 'test_func', 8, None),
    Case('trivial call, 32 connections', 'test_func', 32, None),
    Case('trivial call, 128 connections', 'test_func', 128, None),
    Case('argument of 1 KB, 32 connections', 'size', 32, {'data': 'x' * 1000}),
    Case('argument of 100 KB, 32 connections', 'size', 32, {'data': 'x' * 100_000}),
    Case('result of 1 KB, 32 connections', 'make', 32, {'size': 1000}),
    Case('result of 100 KB, 32 connections', 'make', 32, {'size': 100_000}),
    Case('sleep of 5 ms, 64 connections', 'nap', 64, {'seconds': 0.005}),
]


def body(case):
    return None if case.kwargs is None else json.dumps({'kwargs': case.kwargs})
