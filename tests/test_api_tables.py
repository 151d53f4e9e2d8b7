"""Pages of tables: the rows that a file has, however it comes and however large it is."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from runs.api_folders import Damaged, OpenFile, Outputs
from runs.api_tables import TABLES, index_table, table_page

HEADER = "date,value,cash,long,short,margin\n"
KIND = TABLES["values"]


def table_of(days: list[int]) -> tuple[list[dt.date], bytes]:
    """So many rows of each day, numbered from 0 in their values."""
    dates = [dt.date(2021, 3, 1) + dt.timedelta(at) for at, n in enumerate(days) for _ in range(n)]
    rows = [f"{date},{number},{'9' * (number % 13)}1,0,0,0\n" for number, date in enumerate(dates)]
    return dates, (HEADER + "".join(rows)).encode()


def in_blocks(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@pytest.mark.parametrize("size", [1, 7, 40, 100, 1 << 20])
@pytest.mark.parametrize("days", [[], [1], [3, 1, 0, 5, 2], [1] * 30, [20]])
def test_every_page_is_cut_out_of_the_rows(days: list[int], size: int) -> None:
    dates, content = table_of(days)
    table = index_table(KIND, in_blocks(content, size))
    rng = random.Random(f"{days} {size}")
    bounds = [None, *(dt.date(2021, 2, 27) + dt.timedelta(at) for at in range(len(days) + 4))]
    for _ in range(60):
        limit, offset = rng.randint(1, 8), rng.choice([0, 0, rng.randint(0, 40), 2**31 - 1])
        start, end = rng.choice(bounds), rng.choice(bounds)
        wanted = [
            number
            for number, date in enumerate(dates)
            if (start is None or date >= start) and (end is None or date <= end)
        ]
        total, items = table_page(table, lambda a, b: content[a:b], limit, offset, start, end)
        assert total == len(wanted)
        assert [item["value"] for item in items] == wanted[offset : offset + limit]
        assert [item["date"] for item in items] == [
            str(dates[number]) for number in wanted[offset : offset + limit]
        ]


@pytest.mark.parametrize("size", [1, 16, 4096])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is cut off"),
        (HEADER.strip(), "is cut off"),
        (HEADER + "2021-03-01,1,1,0,0,0", "is cut off"),
        (HEADER + "2021-03-02,1,1,0,0,0\n2021-03-01,1,1,0,0,0\n", "not in the order"),
        (HEADER + "2021-03-01,1,1,0,0,0\n\n2021-03-02,1,1,0,0,0\n", "without a date"),
        (HEADER + "2021-03-01,1,1,0,0,0\n2021-03-0x,1,1,0,0,0\n", "without a date"),
        ("date,value\n", "does not have the columns"),
    ],
)
def test_a_damaged_table_is_seen_wherever_a_block_ends(
    content: str, problem: str, size: int
) -> None:
    with pytest.raises(Damaged, match=f"^values.csv .*{problem}"):
        index_table(KIND, in_blocks(content.encode(), size))


def test_a_file_without_ends_of_lines_is_not_kept_in_memory() -> None:
    seen = []

    def blocks():
        while True:
            seen.append(1)
            assert len(seen) < 100
            yield b"a" * (1 << 18)

    with pytest.raises(Damaged, match="a row of more than 1024 KB"):
        index_table(KIND, blocks())
    assert len(seen) == 5


def test_what_is_kept_of_a_large_table_is_small_and_a_page_reads_little(tmp_path) -> None:
    days = [200] * 250
    _, content = table_of(days)
    (tmp_path / "values.csv").write_bytes(content)
    asked: list[int] = []

    def use(file: OpenFile) -> None:
        def part(begin: int, end: int) -> bytes:
            asked.append(end - begin)
            return file.part(begin, end)

        table = index_table(KIND, file.blocks(1 << 24))
        assert table.size < len(content) / 40
        for offset in (0, 12_345, 49_999):
            total, items = table_page(table, part, 100, offset, None, None)
            assert (total, items[0]["value"]) == (50_000, offset)

    Outputs(tmp_path).read((), "values.csv", use)
    assert len(asked) == 3 and max(asked) <= 3 << 18 < len(content)


def test_a_file_that_is_written_to_meanwhile_is_not_served(tmp_path) -> None:
    path = tmp_path / "values.csv"
    path.write_bytes(table_of([5])[1])

    def use(file: OpenFile) -> None:
        with open(path, "ab") as stream:
            stream.write(b"2021-03-09,1,1,0,0,0\n")
        for reading in (lambda: file.part(0, 10), lambda: file.read(1 << 20)):
            with pytest.raises(Damaged, match="^values.csv is being written$"):
                reading()
        with pytest.raises(Damaged, match="is larger than the 0 MB"):
            file.read(50)

    Outputs(tmp_path).read((), "values.csv", use)
