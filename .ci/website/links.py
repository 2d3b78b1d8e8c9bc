"""Links inside a folder of HTML pages: which of them lead nowhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Where a page leads to (`links`), and which of its places can be linked to (`anchors`)."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what one tag links to, and its names."""
        found = dict(attributes)
        self.links |= {found[key] for key in ("href", "src") if found.get(key)}
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}


def pages_of(folder):
    """Pages a reader can come to, as paths relative to the folder."""
    paths = (path.relative_to(folder) for path in sorted(Path(folder).rglob("*.html")))
    return [path for path in paths if path.parts[0] != "_static"]


def dead_links(folder):
    """Sentences, one for every link inside the folder to a file or an anchor that is not there."""
    folder = Path(folder).resolve()
    pages = {folder / path: Page(folder / path) for path in pages_of(folder)}
    dead = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_relative_to(folder) or not target.exists():
                dead.append(f"{path.relative_to(folder)}: no file for {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                dead.append(f"{path.relative_to(folder)}: no anchor for {link}")
    return dead
