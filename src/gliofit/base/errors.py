"""Errors that are the user's to mend: one sentence naming the file and the fault."""


class InputError(ValueError):
    """Bad input. The message is one clear sentence; the command line shows it without a traceback."""


class BeyondModelError(InputError):
    """Values of a growth model's parameters that it can't describe a tumour for; a search goes round them."""
