"""The one error that a user can act on."""


class InputError(Exception):
    """Something the user can mend: one sentence with the file, the fact and the remedy."""


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
