"""To be written."""


def read_list(*a):
    raise NotImplementedError


def read_row(*a):
    raise NotImplementedError
