# SPDX-License-Identifier: GPL-3.0-or-later
"""What MkDocs is told beside ``mkdocs.yml``: files outside ``docs`` are pages of the site too.

They stay where people of the repository look for them, and their links are those of the
repository, so that all of it can also be read without the site.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
#: Where a file of the repository is in the site.
PAGES = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSES.md": "licences.md",
    "LICENSE": "LICENSE.txt",
    **{
        f"face_depth_addon/models/{name}/README.md": f"model-cards/{name}.md"
        for name in ("face-dpt", "face-attention-unet", "face-vae")
    },
}
_SOURCES = {page: source for source, page in PAGES.items()}
# The target of a link or picture, up to its anchor or title.
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)[^)#\s]+")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that lie elsewhere."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Have the repository's links lead to the site's pages."""
    here = page.file.src_uri
    return in_site(markdown, _SOURCES.get(here, f"docs/{here}"), here)


def in_site(markdown: str, source: str, page: str) -> str:
    """Text with its links as they are in the site.

    Parameters
    ----------
    markdown : str
    source : str
        Path of the file in the repository.
    page : str
        Path in the site.
    """

    def moved(found: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[0]))
        place = PAGES.get(target) or target.removeprefix("docs/")
        if place == target:
            # Of no page: MkDocs warns of it.
            return found[0]
        return os.path.relpath(place, posixpath.dirname(page) or ".").replace(os.sep, "/")

    return _LINK.sub(moved, markdown)
