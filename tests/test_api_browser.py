"""The page that describes the endpoint, in a browser: one request and no complaint."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.screenshots import CHROMIUM, open_page
from tests.api_case import serving, write_outputs

pytest.importorskip("runs.api_app")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


def test_the_page_asks_for_nothing_and_complains_of_nothing(tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    seen: list[str] = []
    with serving(write_outputs(tmp_path / "outputs")) as server, open_page(390, "dark") as page:
        address = f"http://127.0.0.1:{server.port}/"
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(address, wait_until="networkidle")
        assert seen == [address]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        # Its style was taken: the policy names the very one that it has.
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "960px"
        # A link to a shape leads to one.
        page.click("a[href='#Status'] >> nth=0")
        assert page.evaluate("document.querySelector(location.hash).textContent") == "Status"
        assert [url.partition("#")[0] for url in seen] == [address]
