"""To be written."""


def insert_each(*a):
    raise NotImplementedError
