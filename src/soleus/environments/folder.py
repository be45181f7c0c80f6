"""The working folders of environments: each may change to one of its own, and nobody else notices."""

import os


def where() -> str | None:
    """Return the working folder of this process, or None where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


class Home:
    """The folder that everything but an environment works in."""

    def __init__(self) -> None:
        self.path = where()

    def look(self) -> None:
        """Take the folder of this moment, as before environments are stepped."""
        self.path = where()


class Folder:
    """The folder of one environment: that of all, until it changes to another, which it then finds again."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.own: str | None = None

    def __enter__(self) -> None:
        if self.own is not None:
            _go(self.own)

    def __exit__(self, *_: object) -> None:
        now, home = where(), self.home.path
        if now == home:
            self.own = None
        elif home is not None:
            self.own = now
            _go(home)


def _go(path: str) -> None:
    try:
        os.chdir(path)
    except OSError:  # it was removed: there is nothing to go back to
        return
