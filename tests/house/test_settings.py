from pathlib import Path

from ar.core.settings import Settings
from tests.house.settings_page import page

DOCS = Path(__file__).parents[2] / "docs/settings.md"


def rows() -> dict[str, tuple[str, str]]:
    """Name -> (default, meaning), as the page tells them."""
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(each) == 3 for each in cells)
    return {name.strip(" `"): (default.strip(" `"), meaning) for name, default, meaning in cells}


def test_page_lists_all_settings_and_no_others() -> None:
    assert list(rows()) == [f"AMIABLE_{name.upper()}" for name in Settings.model_fields]


def test_page_tells_each_default_and_meaning() -> None:
    told = rows()
    for name, field in Settings.model_fields.items():
        default, meaning = told[f"AMIABLE_{name.upper()}"]
        assert default == (
            ""
            if field.default is None
            else str(field.default).lower()
            if field.annotation is bool
            else str(field.default)
        )
        assert field.description, f"{name} has no description"
        assert meaning.startswith(field.description)


def test_page_is_as_written_anew() -> None:
    assert DOCS.read_text() == page(), "run: python -m tests.house.settings_page > docs/settings.md"
