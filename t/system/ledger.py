"""The ledger of the cluster: accepted = finished + waiting + claimed + running."""

import json

from node import wait_until

FINISHED = ('success', 'failure', 'timeout', 'expired', 'lost', 'bad', 'withdrawn')
UNFINISHED = ('waiting', 'claimed', 'running')


def read_ledger(node):
    return json.loads(node.ctl('status', '--json', check=False).stdout)['ledger']


def check_ledger(node, **expected):
    """Balances. The count of a push may be a moment behind it."""
    last = {}

    def balanced():
        last.update(read_ledger(node))
        assert last['missing'] == last['accepted'] - sum(
            last[name] for name in FINISHED + UNFINISHED)
        return last['missing'] == 0
    try:
        wait_until(balanced, 3, 'the balance')
    except AssertionError:
        raise AssertionError(f'the ledger does not balance: {last}') from None
    for name, value in expected.items():
        assert last[name] == value, f'{name} is not {value}: {last}'
    return last
