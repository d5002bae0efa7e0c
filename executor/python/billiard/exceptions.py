"""`from billiard.exceptions import SoftTimeLimitExceeded`, as scripts have always had it."""


class SoftTimeLimitExceeded(Exception):
    """The function has run longer than its timeout. It may catch this and return."""

    def __str__(self):
        return f'SoftTimeLimitExceeded{self.args!r}'
