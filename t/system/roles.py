"""Users of every role, for tests of what each may do."""

import contextlib

from api import Api, administrator, signed_in

PASSWORD = 'password-of-a-role'
WRITERS = ('admin', 'user')
READERS = ('admin', 'user', 'readonlyUser')
ROLES = ('admin', 'user', 'readonlyUser', 'customUser')


@contextlib.contextmanager
def everyone(node):
    """{role: Api}: a user of each role, the super administrator as 'sa', nobody as None."""
    admin = administrator(node)
    made = [admin.add('users', username=f'test-{role}', password=PASSWORD, name=role,
                      roles=[role]) for role in ROLES]
    try:
        yield {None: Api(node), 'sa': admin,
               **{role: signed_in(node, f'test-{role}', PASSWORD) for role in ROLES}}
    finally:
        for identity in made:
            admin.delete('users', identity)


def check_roles(people, request, allowed):
    """request(api): an answer. Those of allowed (and sa) are not refused for who they are,
    the others are, and so is nobody."""
    for role, api in people.items():
        value = request(api).json
        reason = None if value['ok'] else value['reason']
        if role is None:
            assert reason == 'EUserAuth', (role, value)
        elif role == 'sa' or role in allowed:
            assert reason not in ('EUserAuth', 'EUserPrivilege'), (role, value)
        else:
            assert reason == 'EUserPrivilege', (role, value)
