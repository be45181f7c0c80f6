"""What MkDocs is told beyond mkdocs.yml: pages that come from elsewhere than docs/, and where their links lead.

The README is the first page; the changelog and the page for contributors are pages as well; the reference is made from
the code. Links are written for whoever reads the files in the repository, and are turned into those of the site here.
"""

import posixpath
import re
from pathlib import Path

import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
FROM_ROOT = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages whose text does not lie in docs/."""
    texts = {page: (REPOSITORY / source).read_text() for source, page in FROM_ROOT.items()}
    for page, text in (texts | reference.pages()).items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into those between pages."""
    return site_links(markdown, page.file.src_uri)


def site_links(markdown: str, page: str) -> str:
    """Return a page with the links of the site. Those to files that are no pages become the names of the files.

    page: its place in the documentation, such as scaling.md.
    """
    sources = {place: source for source, place in FROM_ROOT.items()}
    source = sources.get(page, f"docs/{page}")

    def turned(link: re.Match[str]) -> str:
        image, text, target, anchor = link[1], link[2], link[3], link[4] or ""
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if file in FROM_ROOT or file.startswith("docs/"):
            place = FROM_ROOT.get(file, file.removeprefix("docs/"))
            return f"{image}[{text}]({posixpath.relpath(place, posixpath.dirname(page) or '.')}{anchor})"
        return text if (REPOSITORY / file).exists() else link[0]

    return _LINK.sub(turned, markdown)
