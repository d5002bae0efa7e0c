"""Exceptions of scripts as texts."""

import os
import traceback

MAX_TEXT = 8192
MAX_TRACE = 64 * 1024
OURS = os.path.dirname(__file__) + os.sep
HEADER = 'Traceback (most recent call last):\n'


def _cut(text, limit=MAX_TEXT):
    return text if len(text) <= limit else text[:limit] + '...'


def _report(exception):
    return traceback.TracebackException(type(exception), exception, exception.__traceback__,
                                        compact=True)


def _exception_line(report):
    lines = list(report.format_exception_only())
    # A SyntaxError's come with place and source line, which are said apart.
    lines = lines[-1:] if report.exc_type is SyntaxError else lines
    return ''.join(lines).rstrip('\n')


def _is_ours(frame):
    """What raises on behalf of a line of the script tells a reader nothing."""
    return frame.filename.startswith(OURS)


def _source_line(report):
    """The last line of source that was being run."""
    if getattr(report, 'lineno', None) is not None:
        return (report.text or '').strip()
    return next((frame.line for frame in reversed(report.stack)
                 if frame.line and not _is_ours(frame)), '')


def _script_line(report, script_id):
    """Number and text of the last line of the script, or None."""
    if getattr(report, 'lineno', None) is not None and report.filename == script_id:
        return int(report.lineno), (report.text or '').strip()
    for frame in reversed(report.stack):
        if frame.filename == script_id:
            return frame.lineno, frame.line
    return None


def _body(**fields):
    return {key: value for key, value in fields.items() if value is not None}


def describe(exception):
    """(body, traceback): what the caller is told, a dict; and what the log gets."""
    report = _report(exception)
    source = _source_line(report)
    info = [source] if source else []
    info.append(_exception_line(report))
    return (_body(etype=type(exception).__name__, einfoTEXT='\n'.join(map(_cut, info))),
            ''.join(report.format()))


# --- of a script that came with the job -------------------------------------------

def _is_script(frame):
    """Files have a folder in their name, and <frozen …> its brackets."""
    return frame.filename.isidentifier() and '__' in frame.filename


def _frames_shown(report):
    """The frames to show: of a recursion the ends are enough."""
    frames = [frame for frame in report.stack if _is_script(frame)]
    return frames if len(frames) <= 40 else frames[:20] + frames[-20:]


def _frame_text(frame):
    return f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n' \
           + (f'    {frame.line}\n' if frame.line else '')


def _stack(frames, script_id):
    return [{
        'filename': frame.filename,
        'funcname': frame.name,
        'lineNumber': frame.lineno,
        'lineCode': _cut(frame.line or ''),
        'localsInfo': [],
        'formattedLocation': f'File "{frame.filename}", line {frame.lineno}, in {frame.name}',
        'isInScript': frame.filename == script_id,
    } for frame in frames]


def report(exception, script_id, check):
    """(body, traceback) of a draft or check: einfoTEXT is the traceback of the script's
    frames, traceInfo the same in parts; line: the last one of the script, if any."""
    whole = _report(exception)
    frames = _frames_shown(whole)
    dump = _cut(''.join(whole.format_exception_only()), MAX_TRACE)
    text = (HEADER + ''.join(map(_frame_text, frames)) if frames else '') + dump
    place = _script_line(whole, script_id)
    body = _body(
        etype=type(exception).__name__,
        einfoTEXT=_cut(text, MAX_TRACE).rstrip('\n'),
        line=place and place[0],
        traceInfo={'header': HEADER.rstrip('\n'), 'exceptionDump': dump.rstrip('\n'),
                   'stack': _stack(frames, script_id)},
        result=check and check.outcome())
    return body, ''.join(whole.format())
