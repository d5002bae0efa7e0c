"""Results as Markdown."""

import statistics

from peers import PROCESSES


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def ratio(mine, theirs, key):
    """Of the rounds in pairs: what slows the machine for a while slows both."""
    return statistics.median(a[key] / b[key] for a, b in zip(mine, theirs))


def table(heads, rows):
    lines = ['| ' + ' | '.join(heads) + ' |',
             '| --- | --- |' + ' ---: |' * (len(heads) - 2)]
    lines += ['| ' + ' | '.join(map(str, row)) + ' |' for row in rows]
    return '\n'.join(lines) + '\n'


def cases(those, sides, results, options):
    rows = []
    for case in those:
        for side in sides:
            rounds, ours = results[case.name][side.name], results[case.name][sides[0].name]
            rows.append((case.name, side.name, f"{median(rounds, 'rate'):,.0f}",
                         f"{median(rounds, 'p50'):,.0f}", f"{median(rounds, 'p99'):,.0f}",
                         f"{median(rounds, 'cpu'):,.0f}",
                         f"{ratio(ours, rounds, 'rate'):.2f}", f"{ratio(ours, rounds, 'p50'):.2f}",
                         f"{ratio(ours, rounds, 'cpu'):.2f}"))
    head = (f'One nginx worker and {PROCESSES} Python processes a side; medians of {options.rounds} '
            f'rounds of {options.seconds} s, the sides in turn. CPU is that of all processes of '
            'the side. The last three columns are DFF divided by the side, round by round.\n\n')
    return head + table(('case', 'side', 'calls/s', 'p50 µs', 'p99 µs', 'CPU µs/call',
                         'calls/s: DFF ÷', 'p50: DFF ÷', 'CPU: DFF ÷'), rows)


def memory(sides, rest, loaded):
    return table(('memory, MiB', 'side', 'at rest', 'under load'),
                 [('all processes', side.name, f'{rest[side.name]:.0f}',
                   f'{loaded[side.name]:.0f}') for side in sides])


def beside(those):
    rows = [(one['case'], name, one['fast'], f"{one['p50_ms']:,.1f}", f"{one['slowest']:.1f}")
            for name, one in those.items()]
    return table(('case', 'side', 'fast calls', 'p50 of the fast, ms', 'the last slow one after, s'),
                 rows)


def drains(those, dff):
    rows = []
    ours = those[dff.name]
    for name, one in those.items():
        rows.append((f"{one['jobs']:,} async jobs", name, f"{one['enqueued']:,.0f}",
                     f"{one['drained']:,.0f}", f"{one['enqueue_cpu']:.0f}", f"{one['cpu']:.0f}",
                     one['left'], f"{ours['drained'] / one['drained']:.1f}"))
    return table(('case', 'side', 'enqueued/s', 'drained/s', 'CPU µs, enqueue', 'CPU µs, drain',
                  'not done in 120 s', 'drained/s: DFF ÷'), rows)


def held(one):
    return table(('case', 'side', 'held after, s', 'KiB of nginx a call', 'answered', 'within, s'),
                 [(f"{one['count']:,} held calls", 'DFF', f"{one['held_in']:.1f}",
                   f"{one['kib']:.1f}", f"{one['good']:,}", f"{one['answered_in']:.1f}")])


def links(count, one, many):
    rows = [(f'{number:,} links, 32 connections', 'DFF', f"{median(rounds, 'rate'):,.0f}",
             f"{median(rounds, 'p50'):,.0f}", f"{median(rounds, 'cpu'):,.0f}",
             f"{ratio(rounds, one, 'rate'):.2f}") for number, rounds in ((1, one), (count, many))]
    return table(('case', 'side', 'calls/s', 'p50 µs', 'CPU µs/call', 'calls/s ÷ one link'), rows)
