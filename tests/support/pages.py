"""Pages of reports as tests read them."""

import base64
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """What a page holds: (path, value, text) of its numbers, its pictures, its text, all that it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[tuple[str, str, str]] = []
        self.images: list[bytes] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._open: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append(tag)
        if tag == "data":
            self._open = found
        for key in ("src", "href", "srcset", "action", "data"):
            if key in found:
                source = str(found[key])
                if source.startswith("data:image/png;base64,"):
                    self.images.append(base64.b64decode(source.partition(",")[2]))
                else:
                    self.fetched.append(source)

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open is not None:
            self.numbers.append((str(self._open["data-path"]), str(self._open["value"]), data))
            self._open = None


def at(content: Any, path: str) -> Any:
    for key in path.split("."):
        content = content[int(key)] if isinstance(content, list) else content[key]
    return content
