"""Pictures of HTML pages, for judging them: every page wide, narrow and dark.

``python scripts/screenshots.py outputs/summary.html outputs/tearsheet.html --out shots``

For developers: needs Playwright's Python package and Debian's chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["CHROMIUM", "main", "open_page", "watch"]

CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
#: Suffix, width in pixels and colour scheme of each picture.
_VIEWS = (("wide", 1200, "light"), ("phone", 390, "light"), ("dark", 1200, "dark"))


@contextmanager
def open_page(width: int = 1200, scheme: str = "light") -> Iterator[Any]:
    """A headless page in a fresh profile, as a Playwright object."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=True,
            args=list(_FLAGS),
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
        )
        try:
            yield context.pages[0]
        finally:
            context.close()


def watch(page: Any, path: Path) -> list[str]:
    """Open a file; return what it asked for beyond itself, and what it complained of."""
    found: list[str] = []
    uri = path.resolve().as_uri()

    def requested(request: Any) -> None:
        if request.url != uri and not request.url.startswith("data:"):
            found.append(f"request: {request.url}")

    listeners = {
        "request": requested,
        "console": lambda message: found.append(f"console: {message.text}"),
        "pageerror": lambda error: found.append(f"error: {error}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(uri, wait_until="load")
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Write a PNG a page and view; print its path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path, help="HTML files")
    parser.add_argument("--out", type=Path, default=Path("outputs/shots"), help="folder of PNGs")
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for suffix, width, scheme in _VIEWS:
        with open_page(width, scheme) as page:
            for path in arguments.pages:
                for problem in watch(page, path):
                    sys.stdout.write(f"{path}: {problem}\n")
                target = arguments.out / f"{path.stem}-{suffix}.png"
                page.screenshot(path=str(target), full_page=True)
                sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
