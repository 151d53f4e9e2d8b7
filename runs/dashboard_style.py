"""What the pages look like beyond Streamlit's theme, and the small parts that it has not."""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["STYLE", "elided", "facts_html", "legend_html"]

#: The menu stands in the line of Streamlit's own button, headings take less room, and colours are
#: the theme's. The toolbar's own CSV is left out: it holds percentages as they are shown.
STYLE = """
.stMainBlockContainer {padding-top: 1rem; padding-bottom: 2rem; max-width: 1400px}
.stMainBlockContainer > [data-testid=stVerticalBlock] {gap: .7rem}
[data-testid=stHeader] {background: none}
[data-testid=stHeader], [data-testid=stHeader] * {pointer-events: none}
[data-testid=stHeader] :is(button, button *) {pointer-events: auto}
[data-testid=stButtonGroup] {padding-right: 2.5rem}
.stMainBlockContainer h1 {font-size: 1.75rem; padding: .4rem 0 .3rem}
.stMainBlockContainer h3 {font-size: 1.25rem; padding: .8rem 0 .2rem}
.stMainBlockContainer [data-testid=stCaptionContainer] {opacity: .85}
[data-testid=stElementToolbar] button[aria-label^="Download as CSV"] {display: none}
[data-testid=stFullScreenFrame]:has([data-testid=stVegaLiteChart]) {margin-bottom: -1.1rem}
[data-testid=stVegaLiteChart] :is(.role-axis-label, .role-axis-title) text {
  fill: currentColor; opacity: .8}
[data-testid=stMultiSelect] [data-tag] {background: rgba(128, 128, 128, .22); color: inherit;
  outline-color: currentColor}
[data-testid=stMultiSelect] [data-tag] button {color: inherit}
.facts {display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .6rem;
  margin: .2rem 0}
.facts > div {border: 1px solid rgba(128, 128, 128, .35); border-radius: .5rem;
  padding: .4rem .7rem; min-width: 0}
.facts small {display: block; opacity: .75}
.facts b {font-size: 1.15rem; overflow-wrap: anywhere; font-variant-numeric: tabular-nums}
.legend {display: flex; flex-wrap: wrap; gap: .15rem 1rem; font-size: .85rem}
.legend span {display: flex; align-items: center; gap: .4rem; min-width: 0; overflow-wrap: anywhere}
.legend b {font-weight: inherit}
.legend i {flex: none; width: 1.3rem}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-left: 1rem; padding-right: 1rem}
  .facts {grid-template-columns: 1fr 1fr; gap: .4rem}
  .facts > div:last-child:nth-child(odd) {grid-column: 1 / -1}
}
"""

#: Letters of a name in a legend.
_LEGEND = 34


def elided(text: object, letters: int = 26) -> str:
    """A long name without its middle: what tells names apart is often at their end."""
    told, half = str(text), letters // 2
    return told if len(told) <= letters else f"{told[:half]}…{told[1 - half :]}"


def facts_html(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and figures, as a list of terms that wraps."""
    cells = "".join(
        f"<div><small>{html.escape(label)}</small><b>{html.escape(value)}</b></div>"
        for label, value in pairs
    )
    return f'<div class="facts">{cells}</div>'


def legend_html(series: Sequence[tuple[str, str, str]]) -> str:
    """Name, colour and border style of each series, as a list that wraps."""
    parts = "".join(
        f'<span role="listitem"><i style="border-top: 3px {style} {colour}"></i>'
        f'<b title="{html.escape(name)}">{html.escape(elided(name, _LEGEND))}</b></span>'
        for name, colour, style in series
    )
    return f'<div class="legend" role="list">{parts}</div>'
