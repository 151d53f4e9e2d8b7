from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analyzers.figures import build_figures, save_figures
from analyzers.summary import write_summary
from scripts.screenshots import CHROMIUM, open_page, watch
from tests.synthetic_run import synthetic_run, tearsheet_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    folder, run = tmp_path_factory.mktemp("pages"), synthetic_run(years=2)
    save_figures(build_figures(run), folder / "plots")
    shutil.copy(tearsheet_of(run, tmp_path_factory.getbasetemp()), folder / "tearsheet.html")
    write_summary(run, folder, True)
    return folder


def test_pages_open_without_requests_errors_or_sideways_scrolling(folder):
    for width, scheme in ((1200, "light"), (390, "dark")):
        with open_page(width, scheme) as page:
            for name in ("tearsheet.html", "plots/latest_ranks.svg", "summary.html"):
                assert watch(page, folder / name) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawn = page.evaluate("[...document.images].map(image => image.naturalWidth)")
            assert len(drawn) == 10 and min(drawn) > 800


def test_a_page_that_asks_and_complains_is_noticed(folder, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<img src='absent.png'><script>nothing()</script>")
    with open_page() as page:
        found = watch(page, path)
    assert any(text.startswith("request: ") and "absent.png" in text for text in found)
    assert any(text.startswith("error: ") and "nothing" in text for text in found)
