"""What a call has to end beyond its function: threads, connections. The worker asks
finish() only in calls that have registered something."""

import _dff

_ends = []


def register(end):
    """end(in_order) is called once at the end of this call: in_order when its function has
    returned, still under the time limit; else after it has failed."""
    _ends.append(end)
    _dff.needs_finish()


def finish(in_order):
    while _ends:
        # Taken out first: one that raises (the time limit does) is not asked again,
        # what was registered before it is.
        end = _ends.pop()
        end(in_order)
