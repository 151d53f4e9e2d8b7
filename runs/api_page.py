"""The page that describes the endpoint: plain HTML made of its OpenAPI, with nothing to load."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ["PAGE_POLICY", "describe"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
h3 { margin: 1.8rem 0 .2rem; font: 600 1rem ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; table-layout: fixed; }
th:first-child { width: 24%; }
th:nth-child(2) { width: 36%; }
th, td { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; }
td { border-top: 1px solid #8883; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; }
details { margin: .3rem 0; }
.quiet { opacity: .75; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: The Content-Security-Policy of the page: its own style, and nothing else.
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def describe(openapi: Mapping[str, Any]) -> str:
    """An HTML page of an OpenAPI document: every route, parameter, response and shape."""
    info = openapi["info"]
    body = [
        f"<h1>{escape(info['title'])}</h1>",
        f"<p>{escape(info['description'])}</p>",
        f"<p class=quiet>Version {escape(info['version'])}; the same for machines: "
        '<a href="/v1/openapi.json">/v1/openapi.json</a></p>',
        *_routes(openapi["paths"]),
        "<h2>Shapes</h2>",
        *_shapes(openapi["components"]["schemas"]),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: endpoint</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    )


def _routes(paths: Mapping[str, Any]) -> Iterator[str]:
    heading = None
    for path, methods in paths.items():
        route = methods["get"]
        if route["tags"][0] != heading:
            heading = route["tags"][0]
            yield f"<h2>{escape(heading.capitalize())}</h2>"
        yield f"<h3>GET {escape(path)}</h3><p>{escape(route['description'])} "
        yield f"Answers {_shape(route['responses']['200'])}.</p>"
        yield _table(
            ("parameter", "type", "meaning"),
            [
                (item["name"], _type(item["schema"]), item.get("description", ""))
                for item in route.get("parameters", ())
            ],
        )
        others = [
            (code, "", found["description"])
            for code, found in route["responses"].items()
            if code != "200"
        ]
        yield f"<details><summary>Other answers</summary>{_table(('status', '', 'when'), others)}"
        yield "</details>"


def _shapes(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        fields = schema.get("properties", {}).items()
        rows = [(field, _type(found), found.get("description", "")) for field, found in fields]
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        yield _table(("field", "type", "meaning"), rows)


def _shape(response: Mapping[str, Any]) -> str:
    return _type(response["content"]["application/json"]["schema"])


def _table(head: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{name}</th>" for name in head)
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{escape(about)}</td></tr>"
        for name, kind, about in rows
    )
    return f"<table><tr>{top}</tr>{cells}</table>"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words of HTML, with a link to a shape that has a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(item) for item in schema["anyOf"])
    if "enum" in schema:
        return escape(" or ".join(map(str, schema["enum"])))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object":
        further = schema.get("additionalProperties")
        return f"names to {_type(further) if isinstance(further, dict) else 'any'}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("default", "default"))
        if schema.get(key) is not None
    ]
    return escape(", ".join([schema.get("format", kind), *bounds]))
