"""The dashboard in a browser: every page, wide and narrow, light and dark, and what can be done."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from scripts.screenshots import CHROMIUM, open_page
from tests.dashboard_case import serving, write_all

pytest.importorskip("streamlit", reason="Streamlit is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]
PAGES = ("Signals", "Portfolio", "Runs", "Factors", "Costs", "Data")
#: The page is there and its script is done.
DRAWN = "[data-testid=stApp][data-test-script-state=notRunning] h1:has-text('{}')"
MAIN = "document.querySelector('[data-testid=stMain]')"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    with serving(write_all(tmp_path_factory.mktemp("browser") / "outputs")) as running:
        yield running


@contextmanager
def watched(address: str, width: int = 1280, scheme: str = "light") -> Iterator[tuple[Any, list]]:
    """A page, and what it complains of, asks of others or is refused."""
    found: list[str] = []
    own = (address, address.replace("http", "ws"), "data:", "blob:")

    def requested(request: Any) -> None:
        if not request.url.startswith(own):
            found.append(f"request: {request.url}")

    def said(message: Any) -> None:
        # Browsers warn of rights in frames that they do not know.
        if message.type == "error" or (message.type == "warning" and "feature" not in message.text):
            found.append(f"console: {message.text}")

    with open_page(width, scheme) as page:
        page.on("request", requested)
        page.on("console", said)
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("websocket", lambda socket: requested(socket))
        yield page, found


def visit(page: Any, address: str, title: str) -> None:
    page.goto(f"{address}/?page={title}")
    page.wait_for_selector(DRAWN.format(title), timeout=30_000)


@pytest.mark.parametrize(
    "width, scheme",
    [(1280, "light"), pytest.param(390, "dark", marks=pytest.mark.slow)],
)
def test_pages_load_without_errors_or_requests(served, width, scheme):
    address, _ = served
    with watched(address, width, scheme) as (page, found):
        for title in PAGES:
            visit(page, address, title)
            page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
            assert page.evaluate(f"{MAIN}.scrollWidth <= {MAIN}.clientWidth")
            assert page.locator("[data-testid=stException]").count() == 0
        dark = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert (sum(map(int, dark[4:-1].split(",")[:3])) < 200) == (scheme == "dark")
        assert page.get_by_text("Deploy").count() == 0
        assert found == []


@pytest.mark.slow
def test_the_menu_leads_to_every_page(served):
    address, _ = served
    with watched(address) as (page, found):
        page.goto(address)
        page.wait_for_selector(DRAWN.format("Signals"), timeout=30_000)
        for title in PAGES[::-1]:
            page.get_by_role("radio", name=title, exact=True).click()
            page.wait_for_selector(DRAWN.format(title))
        assert found == []


def saved(page: Any, button: Any) -> bytes:
    with page.expect_download() as waiting:
        button.click()
    return Path(waiting.value.path()).read_bytes()


def test_the_table_is_sorted_filtered_and_saved(served):
    address, _ = served
    with watched(address) as (page, found):
        visit(page, address, "Signals")
        grid = page.locator("[data-testid=stDataFrame]").first
        cell = grid.locator("[data-testid=glide-cell-1-0]")
        cell.wait_for(state="attached")
        assert cell.inner_text() == "S0000"
        # The first heading is that of ranks: upwards, then downwards.
        page.evaluate(f"{MAIN}.scrollTo(0, 300)")
        for wanted in ("S0000", "S0029"):
            page.wait_for_timeout(500)
            box = grid.bounding_box()
            page.mouse.click(box["x"] + 25, box["y"] + 17)
        page.wait_for_timeout(500)
        assert cell.inner_text() == wanted
        box = page.get_by_label("Symbols that contain")
        box.fill("s001")
        box.press("Enter")
        shown = "[data-testid=stDataFrame] [role=grid][aria-rowcount='11']"
        page.wait_for_selector(shown, state="attached")
        first = page.get_by_role("button", name="Table as CSV").first
        rows = list(csv.DictReader(io.StringIO(saved(page, first).decode())))
        # S0010 to S0019; every digit is there.
        assert [row["symbol"] for row in rows] == [f"S{n:04d}" for n in range(10, 20)]
        assert float(rows[0]["weight"]) == 1 / 30
        assert found == []


@pytest.mark.slow
def test_runs_are_chosen_and_their_figure_saved(served):
    address, _ = served
    with watched(address) as (page, found):
        visit(page, address, "Runs")
        figure = page.get_by_role("button", name="Figure as SVG").first
        drawn = saved(page, figure).decode()
        assert drawn.startswith("<svg") and "other" in drawn and "small" in drawn
        page.get_by_role("button", name="Remove other").click()
        page.wait_for_timeout(1500)
        drawn = saved(page, page.get_by_role("button", name="Figure as SVG").first).decode()
        assert "other" not in drawn and "Growth of 1" in drawn
        page.get_by_text("Show it here").click()
        frame = page.frame_locator("iframe")
        frame.get_by_text("A page of the run").wait_for()
        assert found == []


def test_it_listens_on_this_machine_alone(served):
    address, process = served
    places = [
        one.laddr.ip
        for one in psutil.Process(process.pid).net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    ]
    assert places == ["127.0.0.1"]


def test_pages_of_others_cannot_reach_it_by_a_name_of_theirs(served):
    address, _ = served
    port = int(address.rsplit(":", 1)[1])
    asked = (
        "GET /_stcore/stream HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    answers = []
    for host in (f"127.0.0.1:{port}", "example.org"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
            wire.sendall(asked.format(host).encode())
            answers.append(wire.recv(100).split()[1])
    assert answers == [b"101", b"403"]
