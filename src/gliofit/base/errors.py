"""Errors that are the user's to mend: one sentence naming the file and the fault."""


class InputError(ValueError):
    """Bad input. The message is one clear sentence; the command line shows it without a traceback."""
