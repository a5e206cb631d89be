from __future__ import annotations

import pytest

from ar.core.db import Database
from ar.core.settings import Settings
from tests.dunning.world import World


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    return World(database, settings)
