"""Exceptions of scripts as texts."""

import traceback

MAX_TEXT = 8192


def _cut(text):
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + '...'


def _exception_line(report):
    lines = list(report.format_exception_only())
    # A SyntaxError's come with place and source line, which are said apart.
    lines = lines[-1:] if report.exc_type is SyntaxError else lines
    return ''.join(lines).rstrip('\n')


def _source_line(report):
    """The last line of source that was being run."""
    if getattr(report, 'lineno', None) is not None:
        return (report.text or '').strip()
    return next((frame.line for frame in reversed(report.stack) if frame.line), '')


def _script_line(report, script_id):
    """Number and text of the last line of the script, or None."""
    if getattr(report, 'lineno', None) is not None and report.filename == script_id:
        return int(report.lineno), (report.text or '').strip()
    for frame in reversed(report.stack):
        if frame.filename == script_id:
            return frame.lineno, frame.line
    return None


def describe(exception, script_id, is_check):
    """(etype, einfoTEXT, traceback, line or None). A check's einfoTEXT says the place."""
    report = traceback.TracebackException(type(exception), exception, exception.__traceback__,
                                          compact=True)
    place = _script_line(report, script_id) if is_check else None
    if place is not None:
        source = f'File "{script_id}", line {place[0]}\n{place[1]}'.rstrip('\n')
    else:
        source = _source_line(report)
    info = [source] if source else []
    info.append(_exception_line(report))
    return (type(exception).__name__, '\n'.join(map(_cut, info)), ''.join(report.format()),
            place and place[0])
