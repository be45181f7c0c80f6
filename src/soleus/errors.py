"""The one error that is the user's to mend."""


class UserError(Exception):
    """Bad input from outside. The message is one line that names what was expected and what came."""
