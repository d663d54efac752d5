"""The one error that a user can act on."""


class InputError(Exception):
    """Something the user can mend: one sentence with the file, the fact and the remedy."""
