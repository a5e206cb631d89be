"""Fixtures of the tests of payments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ar.core.kernel import Kernel
from tests.cash.shopping import Shop, opened_shop


@pytest.fixture
def shop(kernel: Kernel, tmp_path: Path) -> Iterator[Shop]:
    """A customer and an installation connected to a test gateway."""
    with opened_shop(kernel, tmp_path) as made:
        yield made
