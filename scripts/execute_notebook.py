"""Run a notebook and store its outputs, without times and versions.

python scripts/execute_notebook.py notebooks/factor_construction.ipynb

A cell that raises ends the run, and nothing is stored.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import nbformat
from nbclient import NotebookClient

logger = logging.getLogger(__name__)

#: What a notebook says of its language: nothing that differs between machines.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path, timeout: int) -> nbformat.NotebookNode:
    """The notebook with the outputs of a fresh run in its own folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(_METADATA)
    return notebook


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Run a notebook and store its outputs.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, help="another file (default: in place)")
    parser.add_argument("--timeout", type=int, default=300, help="seconds a cell (%(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    notebook = execute(arguments.notebook, arguments.timeout)
    out = arguments.out or arguments.notebook
    nbformat.write(notebook, out)
    logger.info("%s: %d cells", out, len(notebook.cells))


if __name__ == "__main__":
    main()
