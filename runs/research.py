"""The research report: does each factor carry to crypto, and does crypto diversify?

python -m runs.research [--shared ../shared/data] [--out docs] [--work outputs/research]
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.errors import ConfigError
from runs.command import (
    CommandParser,
    add_common_arguments,
    configure_logging,
    main_guard,
    report_console,
)

if TYPE_CHECKING:
    from analyzers.research_page import Findings
    from analyzers.research_witness import Witness
    from runs.research_parts import Studied

__all__ = ["main", "research"]

logger = logging.getLogger(__name__)

#: What may be left out, and what it needs beside the project.
PARTS = ("us", "coins", "published", "sp500", "large_caps")
BUNDLED = ("sp500", "large_caps")


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.research",
        description="Study each factor among stocks and coins, and coins beside equity factors: "
        "one page with its figures, and its tables as CSV.",
    )
    parser.add_argument(
        "--shared",
        type=Path,
        default=Path("../shared/data"),
        help="folder with the files of US stocks, 45 coins and published factors "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of research.md and images/ (default: docs; with --only, the work folder)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("outputs/research"),
        help="folder of the sets made and of the tables (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        metavar="A,B",
        help=f"parts to study, of {', '.join(PARTS)}; bundled means {' and '.join(BUNDLED)}",
    )
    add_common_arguments(parser)
    return parser


def research(parts: Sequence[str], shared: Path, work: Path) -> tuple[Findings, Studied]:
    """Study the parts, in the order in which they are listed in PARTS.

    Returns
    -------
    findings : Findings
        Tables.
    studied : Studied
        The series that the figures draw.

    Raises
    ------
    UserError
        If a file, a set or a configuration will not do.
    """
    from runs.research_parts import findings_of, study_parts

    studied = study_parts(parts, shared, work)
    return findings_of(studied, parts), studied


def output_files(findings: Findings, studied: Studied, out: Path, work: Path) -> dict[Path, bytes]:
    """Content by path: tables, figures, and last the page."""
    from analyzers.research_page import render_page

    files = {
        work / f"{name}.csv": table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in findings.tables().items()
    }
    for witness in studied.witnesses:
        files[work / f"weekly_{witness.key}.csv"] = _weekly(witness)
    images = out / "images"
    files |= {images / f"research_{name}.png": png for name, png in _figures(findings, studied)}
    return files | {out / "research.md": render_page(findings).encode()}


def _weekly(witness: Witness) -> bytes:
    import pandas as pd

    joined = pd.concat([witness.stocks, witness.coins], axis=1)
    return joined.to_csv(date_format="%Y-%m-%d", lineterminator="\n").encode()


def _figures(findings: Findings, studied: Studied) -> list[tuple[str, bytes]]:
    import pandas as pd

    from analyzers.drawing import png_bytes
    from analyzers.figures_factors import plot_factor_correlation
    from analyzers.research_figures import (
        plot_coefficients,
        plot_frontiers,
        plot_sleeves,
        plot_spreads,
    )

    labels = dict(zip(findings.witnesses["witness"], findings.witnesses["label"]))
    made = {
        "ic": plot_coefficients(findings.studies),
        "spreads": plot_spreads(studied.spreads()),
        "sleeves": plot_sleeves(pd.DataFrame(findings.rows("sleeves", sleeve="market")), labels),
    }
    for witness in studied.witnesses:
        if witness.key == "published":
            joined = witness.stocks.join(witness.coins)
            made["correlation"] = plot_factor_correlation(
                joined.corr(),
                "Correlation of published factors",
                f"{len(joined)} weekly returns; CMKT, CSMB and CMOM are of coins",
            )
            made["frontier"] = plot_frontiers(witness)
    return [(name, png_bytes(figure)) for name, figure in made.items()]


def _parts(text: str | None) -> list[str]:
    if text is None:
        return list(PARTS)
    names = [name.strip() for name in text.split(",")]
    wanted = {part for name in names for part in (BUNDLED if name == "bundled" else (name,))}
    unknown = sorted(wanted - set(PARTS))
    if unknown:
        raise ConfigError(
            f"--only {text}: {unknown[0]!r} is no part of the report",
            f"choose of {', '.join(PARTS)}, or bundled",
        )
    return [part for part in PARTS if part in wanted]


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    parts = _parts(arguments.only)
    out = arguments.out
    if out is None:
        out = Path("docs") if arguments.only is None else arguments.work
    findings, studied = research(parts, arguments.shared, arguments.work)
    files = output_files(findings, studied, out, arguments.work)
    from runs.factors import write_files

    write_files(files)
    if not arguments.quiet:
        from runs.research_terminal import print_findings

        print_findings(findings, list(files), report_console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
