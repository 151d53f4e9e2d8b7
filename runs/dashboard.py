"""Show signals, the paper account, runs, factors, costs and data sets in a browser.

python -m runs.dashboard [--outputs outputs] [--ledger PATH] [--host 127.0.0.1] [--port 8501]
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from feeds.errors import UserError
from runs.command import (
    CommandParser,
    add_address_arguments,
    add_common_arguments,
    configure_logging,
    main_guard,
)

__all__ = ["main", "streamlit_options"]

_LOGGER = logging.getLogger(__name__)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.dashboard",
        description="Show signals, the paper account, runs, factors, costs and data in a browser.",
    )
    parser.add_argument("--outputs", default="outputs", help="folder (default: %(default)s)")
    parser.add_argument("--data", default="data", help="of data sets (default: %(default)s)")
    parser.add_argument(
        "--ledger", help="of the paper account (default: every *.db file of the outputs)"
    )
    add_address_arguments(parser, 8501)
    add_common_arguments(parser)
    return parser


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 0 then, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    places = _places(arguments.outputs, arguments.data, arguments.ledger)
    port = _free_port(arguments.host, arguments.port)
    options = streamlit_options(
        arguments.host, port, _hosts(arguments.host, arguments.allow_host), arguments.verbose
    )
    address = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    said = f"{places[0]} is shown at http://{address}:{port}/ until Ctrl+C"
    _serve(places, options, "" if arguments.quiet else said)
    return 0


def streamlit_options(host: str, port: int, hosts: Sequence[str], verbose: bool) -> dict[str, Any]:
    """Streamlit's settings: on one address, without statistics, menus of developers or watchers.

    They win over a ``config.toml`` of the user's.
    """
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.showEmailPrompt": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableStaticServing": False,
        "server.allowedHosts": list(hosts),
        "server.maxUploadSize": 1,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": "info" if verbose else "warning",
        "global.developmentMode": False,
        # Streamlit's own is so pale where it fades that names in tables are hard to read.
        "theme.light.textColor": "#101418",
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#56B4E9",
    }


def _places(outputs: str, data: str, ledger: str | None) -> list[str]:
    """What the pages read, made absolute: a ledger that was named must be there."""
    if ledger is not None and not Path(ledger).is_file():
        raise UserError(f"--ledger {ledger}: no such file", "run python -m runs.signals first")
    return [outputs, data, *([ledger] if ledger else [])]


def _free_port(host: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises
    ------
    UserError
        If the address is none of this machine's or the port is taken.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"--port {port} is not a port", "choose one from 1 to 65535, or 0 for any")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return probe.getsockname()[1]
    except OSError as error:
        raise UserError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            "choose another with --port, or an address of this machine with --host",
        ) from None


def _hosts(host: str, further: Sequence[str]) -> list[str]:
    """Names that a visit may use: a server of this machine alone is called by no other name."""
    if _is_loopback(host):
        return [*dict.fromkeys((*_LOOPBACK_NAMES, host, *further))]
    _LOGGER.warning("%s can be reached from other machines, and nobody is asked who they are", host)
    _LOGGER.warning("put a server with TLS and a password before it")
    return [host, *further] if further else []


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _serve(places: Sequence[str], options: dict[str, Any], said: str) -> None:
    """Run the pages in this process until it is interrupted or terminated; say so before."""
    try:
        from streamlit.web import bootstrap
    except ImportError:
        raise UserError("Streamlit is not installed", "pip install -r requirements.txt") from None
    if said:
        print(said, flush=True)
    bootstrap.load_config_options(options)
    script = Path(__file__).with_name("dashboard_app.py")
    bootstrap.run(str(script), False, list(places), options)


if __name__ == "__main__":
    sys.exit(main())
