"""The factor tear sheet in a real browser: wide, narrow, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.factor_sheet import factor_sheet
from scripts.screenshots import CHROMIUM, open_page, watch
from tests.study_case import two_classes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.mark.slow
def test_the_page_opens_without_requests_errors_or_sideways_scrolling(tmp_path):
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = tmp_path / "factor_tearsheet.html"
    path.write_text(factor_sheet(two_classes()), encoding="utf-8")
    for width, scheme in ((1200, "light"), (390, "dark")):
        with open_page(width, scheme) as page:
            assert watch(page, path) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawn = page.evaluate("[...document.images].map(image => image.naturalWidth)")
            assert len(drawn) > 12 and min(drawn) > 800
