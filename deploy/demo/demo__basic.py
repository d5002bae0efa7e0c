@DFF.API('Test Func')
def test_func():
    return 'ok'


@DFF.API('Add two numbers')
def plus(x, y):
    """
    Adds two numbers, or puts two texts together.

    Parameters:
        x: the first one
        y: the second one
    """
    return x + y
