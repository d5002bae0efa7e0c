"""Very many links: the same load on all of them, at random, and on one."""

from measure import wrk_with_cpu

BATCH = 50_000
SCRIPT = """
math.randomseed({seed})
request = function()
    return wrk.format('GET', '/api/v1/al/auln-bench-' .. math.random({count}))
end
"""


def publish(dff, count):
    """As `dffctl link add` would, without a row in MySQL for each: calls do not see MySQL."""
    route = dff.redis_cli('GET dff:route:al:auln-test-func\n').strip()
    for first in range(1, count + 1, BATCH):
        commands = []
        for number in range(first, min(first + BATCH, count + 1)):
            link = f'auln-bench-{number}'
            value = route.replace('auln-test-func', link)
            key = f'dff:route:al:{link}'
            commands.append(f'*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n'
                            f'${len(value)}\r\n{value}\r\n')
        dff.redis_cli(''.join(commands), '--pipe')


def compare(dff, count, seconds, rounds, folder):
    """Rounds of one link and of all links, in turn."""
    publish(dff, count)
    one, many = [], []
    for number in range(rounds):
        one.append(wrk_with_cpu(dff, folder, dff.url('test_func'), 32, seconds))
        many.append(wrk_with_cpu(dff, folder, dff.url('test_func'), 32, seconds,
                                 script=SCRIPT.format(seed=number + 1, count=count)))
    return one, many
