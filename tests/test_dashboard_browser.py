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
SETTLED = "!document.querySelector('[data-testid=stSkeleton]')"
CHART = "[data-testid=stVegaLiteChart]"
MAIN = "document.querySelector('[data-testid=stMain]')"

#: The name of what has the keyboard, without the letters of its icon.
FOCUSED = """() => {
  const one = document.activeElement
  return one.ariaLabel || one.innerText.split("\\n").pop().trim()
}"""
#: Words with a contrast below 4.5 to 1, the bound of WCAG's level AA.
FAINT = """() => {
  const light = parts => parts
    .map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0)
  const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true})
  const read = colour => {
    pen.clearRect(0, 0, 1, 1)
    pen.fillStyle = colour
    pen.fillRect(0, 0, 1, 1)
    const parts = [...pen.getImageData(0, 0, 1, 1).data]
    return [parts.slice(0, 3), parts[3] / 255]
  }
  const over = (front, share, back) => front.map((v, k) => v * share + back[k] * (1 - share))
  const chain = one => one ? [one, ...chain(one.parentElement)] : []
  const faint = []
  for (const one of document.querySelectorAll("[data-testid=stMain] *")) {
    const words = [...one.childNodes].filter(n => n.nodeType === 3 && n.textContent.trim())
    const box = one.getBoundingClientRect(), style = getComputedStyle(one)
    const shown = chain(one).reduce((sum, k) => sum * getComputedStyle(k).opacity, 1)
    // Words in coloured cells, whose colours are those of charts.
    if (one.closest(".mark-text")) continue
    if (!words.length || box.width < 2 || !shown || style.visibility === "hidden") continue
    let back = [255, 255, 255]
    for (const behind of chain(one).reverse())
      back = over(...read(getComputedStyle(behind).backgroundColor), back)
    const [colour, share] = read(one instanceof SVGElement ? style.fill : style.color)
    const pair = [light(over(colour, share * shown, back)), light(back)].sort((a, b) => b - a)
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05)
    if (ratio < 4.5) faint.push(`${words[0].textContent.trim()}: ${ratio.toFixed(2)}`)
  }
  return faint
}"""


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


@pytest.mark.slow
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_pages_load_without_errors_or_requests(served, width, scheme):
    address, _ = served
    with watched(address, width, scheme) as (page, found):
        for title in PAGES:
            visit(page, address, title)
            page.wait_for_function(SETTLED)
            assert page.evaluate(f"{MAIN}.scrollWidth <= {MAIN}.clientWidth")
            assert page.locator("[data-testid=stException]").count() == 0
            if width < 1000 or title in ("Runs", "Costs"):
                assert page.evaluate(FAINT) == []
            # What a chart shows is told in words as well.
            told = page.evaluate(f"[...document.querySelectorAll('{CHART}')].map(e => e.ariaLabel)")
            assert all(": " in one for one in told) and told
        dark = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert (sum(map(int, dark[4:-1].split(",")[:3])) < 200) == (scheme == "dark")
        assert page.get_by_text("Deploy").count() == 0
        assert found == []
        # Anything of the kind would have been noticed.
        page.evaluate("fetch('http://127.0.0.1:9/planted').catch(() => console.error('planted'))")
        page.wait_for_timeout(200)
        assert any(one == "request: http://127.0.0.1:9/planted" for one in found)
        assert "console: planted" in found


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


@pytest.mark.slow
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
            page.wait_for_timeout(300)
            box = grid.bounding_box()
            page.mouse.click(box["x"] + 12, box["y"] + 17)
        page.wait_for_timeout(300)
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


@pytest.mark.slow
def test_controls_are_reached_by_keyboard(served):
    address, _ = served
    with watched(address, 1280, "dark") as (page, found):
        visit(page, address, "Runs")
        page.wait_for_function(SETTLED)
        missed = {"Runs", "Start and end together", "Logarithmic growth", "The series as a table"}
        missed |= {"Figure as SVG", "Table as CSV"}
        # What is drawn late takes the focus with it, and it begins again.
        for _ in range(180):
            page.keyboard.press("Tab")
            missed.discard(page.evaluate(FOCUSED))
            if not missed:
                break
        assert not missed
        page.get_by_role("radio", name="Runs", exact=True).focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector(DRAWN.format("Factors"))
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
