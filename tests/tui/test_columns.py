"""Which columns are shown at which width."""

from __future__ import annotations

import pytest

from pxm_tui.tui.columns import LEAD, NAME_MOST, STATUS_MOST, columns_at


@pytest.mark.parametrize(
    ("width", "keys"),
    [
        (44, "name status seen"),
        (60, "name env status seen"),
        (66, "name env status nodes seen"),
        (74, "name env status nodes guests seen"),
        (80, "name env status nodes guests pve seen"),
        (96, "name env status nodes guests pve rtt seen"),
        (112, "name env status nodes guests pve rtt seen cert"),
        (136, "name env status nodes guests pve rtt seen cert endpoint"),
        (144, "name env status nodes guests pve rtt seen cert login endpoint"),
    ],
)
def test_columns_by_width(width: int, keys: str) -> None:
    assert [column.key for column in columns_at(width)] == keys.split()
    assert [column.key for column in columns_at(width - 1)] != keys.split() or width == 44


@pytest.mark.parametrize("width", range(40, 240))
@pytest.mark.parametrize("longest", [3, 27, 64])
def test_never_wider_than_the_screen(width: int, longest: int) -> None:
    columns = columns_at(width, longest)

    assert LEAD + sum(column.width + 1 for column in columns) - 1 <= width
    by_key = {column.key: column.width for column in columns}
    assert by_key["name"] <= NAME_MOST
    assert width < 60 or by_key["status"] <= STATUS_MOST


@pytest.mark.parametrize(
    ("width", "longest", "name", "status", "endpoint"),
    [
        (144, 3, 16, 33, 25),
        (144, 27, 22, 27, 25),
        (160, 18, 18, 44, 28),
        (160, 27, 27, 38, 25),
        (200, 27, 27, 44, 59),
        (200, 64, 32, 44, 54),
    ],
)
def test_spare_width_goes_to_the_names_then_the_status_then_the_endpoint(
    width: int, longest: int, name: int, status: int, endpoint: int
) -> None:
    found = {column.key: column.width for column in columns_at(width, longest)}

    assert (found["name"], found["status"], found["endpoint"]) == (name, status, endpoint)
    assert LEAD + sum(one + 1 for one in found.values()) - 1 == width - 1
