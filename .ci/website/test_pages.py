import pytest
from website.browser import WIDTHS, search


def test_every_page_opens_without_an_error(visits):
    assert_none(visits, lambda visit: visit.console)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(visits, width):
    assert_none(visits, lambda visit: visit.scrolling[width])


def test_dark_pages_have_no_white_panels(visits):
    assert_none(visits, lambda visit: visit.white)


def assert_none(visits, found):
    """Fail with a line for each thing that was found on a page."""
    lines = [f"{page}: {what}" for page, visit in visits.items() for what in found(visit)]
    assert not lines, "\n".join(lines)


def test_threshold_is_found_in_the_guide_first(chrome, site):
    assert search(chrome, site, "threshold").startswith("user_guide/")


def test_a_name_of_the_api_is_found_in_the_api_first(chrome, site):
    assert search(chrome, site, "TunedThresholdsClassifierCV").startswith("api/")
