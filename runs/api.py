"""Serve runs, signals and the paper account as read-only JSON.

python -m runs.api [--outputs outputs] [--host 127.0.0.1] [--port 8000] [--ledger PATH]
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from feeds.errors import UserError
from runs.command import (
    CommandParser,
    add_address_arguments,
    add_common_arguments,
    configure_logging,
    main_guard,
)

__all__ = ["TOKEN_VARIABLE", "main"]

#: Holds the bearer token, so that it stands in no list of processes.
TOKEN_VARIABLE = "FACTOR_API_TOKEN"
_LEDGER = "paper.db"
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_LOGGER = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.api",
        description="Serve runs, signals and the paper account as read-only JSON.",
        epilog=f"With {TOKEN_VARIABLE} in the environment, requests need it as a bearer token.",
    )
    parser.add_argument("--outputs", default="outputs", help="folder (default: %(default)s)")
    add_address_arguments(parser, 8000)
    parser.add_argument(
        "--ledger", help=f"of the paper account (default: {_LEDGER} in the outputs, if there)"
    )
    parser.add_argument(
        "--cors",
        nargs="+",
        default=[],
        metavar="ORIGIN",
        help="web pages whose scripts may read, as https://example.org (default: none)",
    )
    add_common_arguments(parser)
    return parser


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 0 then, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    token = _token()
    _check_port(arguments.port)
    origins = _origins(arguments.cors)
    _check_names(arguments.allow_host)
    outputs, ledger = _places(arguments.outputs, arguments.ledger)

    from runs.api_answers import Answers
    from runs.api_app import make_app
    from runs.api_folders import Outputs
    from runs.api_server import bound_socket, serve

    answers = Answers(Outputs(outputs), ledger)
    listening = bound_socket(arguments.host, arguments.port)
    hosts = _hosts(arguments.host, listening.getsockname()[0], arguments.allow_host, token)
    if not arguments.quiet:
        where = _address(*listening.getsockname()[:2])
        print(f"{outputs} is served at {where} (description) until Ctrl+C", flush=True)
    try:
        serve(
            make_app(answers, token=token, hosts=hosts, origins=origins),
            listening,
            verbose=arguments.verbose,
        )
    except KeyboardInterrupt:
        # How a server is meant to end.
        pass
    return 0


def _token() -> str | None:
    token = os.environ.get(TOKEN_VARIABLE)
    if token is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise UserError(
            f"{TOKEN_VARIABLE} is empty, or has blanks or characters that a header cannot hold",
            "set it to a long random text, or unset it to serve without a token",
        )
    return token


def _check_port(port: int) -> None:
    if not 0 <= port <= 65535:
        raise UserError(f"--port {port} is not a port", "choose one from 1 to 65535, or 0 for any")


def _origins(given: Sequence[str]) -> list[str]:
    for origin in given:
        if not _ORIGIN.fullmatch(origin):
            raise UserError(
                f"--cors {origin[:60]!r} is not the origin of a page",
                "give scheme, host and port, as https://example.org; there is no wildcard",
            )
    return list(given)


def _check_names(given: Sequence[str]) -> None:
    """A name with anything beside it would match no Host header, and nobody would be let in."""
    for name in given:
        if not _NAME.fullmatch(name) and not _is_address(name):
            raise UserError(
                f"--allow-host {name[:60]!r} is not the name of a host",
                "give the name alone, without scheme or port, as factors.example.org",
            )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _places(outputs: str, ledger: str | None) -> tuple[Path, Path | None]:
    """The folder, and the ledger to serve: one that was named must be there."""
    folder = Path(outputs)
    if ledger is not None and not Path(ledger).is_file():
        raise UserError(f"--ledger {ledger}: no such file", "run python -m runs.signals first")
    return folder, Path(ledger) if ledger is not None else folder / _LEDGER


def _hosts(host: str, address: str, further: Sequence[str], token: str | None) -> list[str] | None:
    """Names to be called by: a server of this machine alone is called by no other name."""
    if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return [name.lower() for name in (*_LOOPBACK_NAMES, host, address, *further)]
    secret = "" if token is not None else f" and no token is asked for: set {TOKEN_VARIABLE}"
    _LOGGER.warning("%s can be reached from other machines%s", host, secret)
    _LOGGER.warning("what is sent is not encrypted: put a server with TLS before it")
    return [name.lower() for name in (host, *further)] if further else None


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


if __name__ == "__main__":
    sys.exit(main())
