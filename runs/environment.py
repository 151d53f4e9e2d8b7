"""What is installed, as ``pip freeze`` writes it."""

from __future__ import annotations

from importlib.metadata import distributions

__all__ = ["installed_packages"]


def installed_packages() -> str:
    """One ``name==version`` a line, sorted; each distribution once."""
    found = {(item.metadata["Name"] or "").lower(): item for item in distributions()}
    lines = [f"{found[name].metadata['Name']}=={found[name].version}" for name in sorted(found)]
    return "\n".join(line for line in lines if not line.startswith("==")) + "\n"
