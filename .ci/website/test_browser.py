"""What is wrong on purpose is found; what is right is not."""

import pytest
from website.browser import WIDTHS, visit_all

HEAD = '<!doctype html><link rel="icon" href="data:,"><meta name="color-scheme" content="light dark">'
LONG = '<div style="width: 900px; height: 100px">long</div>'


@pytest.fixture
def visited(chrome, tmp_path):
    def visited(body):
        (tmp_path / "page.html").write_text(HEAD + body)
        return visit_all(chrome, tmp_path)["page.html"]

    return visited


def test_a_sound_page_is_sound(visited):
    code, formula = f"<pre style='overflow-x: auto'>{LONG}</pre>", "<math><mi>x</mi></math>"
    table = f"<div style='overflow-x: auto'><table><tr><td>{LONG}</table></div>"
    small = "<p style='background: white; width: 20px; height: 20px'></p>"
    visit = visited(code + table + formula + small + "<p>words</p><script>console.warn('no matter')</script>")

    assert visit.console == visit.white == []
    assert visit.scrolling == dict.fromkeys(WIDTHS, [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<script>missing()</script>", "missing is not defined"),
        ("<script src='gone.js'></script>", "404"),
        ("<script src='https://example.org/far.js'></script>", "ERR_NAME_NOT_RESOLVED"),
    ],
)
def test_an_error_on_a_page_is_found(visited, body, message):
    console = visited(body).console

    assert len(console) == 1
    assert message in console[0]


@pytest.mark.parametrize("style", ["", "overflow-x: auto"])
def test_what_is_too_wide_is_found_at_the_width_where_it_is(visited, style):
    scrolling = visited(f"<section style='{style}'>{LONG}</section>").scrolling

    assert scrolling[1400] == []
    assert len(scrolling[400]) == 1
    assert 'div "long"' in scrolling[400][0]


@pytest.mark.parametrize("colour", ["white", "#eee", "rgb(240 240 255 / 90%)", "oklch(0.95 0 0)"])
def test_a_light_panel_on_a_dark_page_is_found(visited, colour):
    white = visited(f"<main id='panel' style='background: {colour}; height: 100px'>light</main>").white

    assert len(white) == 1
    assert white[0].startswith("main#panel is ")


def test_a_page_that_stays_light_is_found(visited):
    assert visited("<style>html { background: white }</style>words").white == ["html is rgb(255, 255, 255)"]
