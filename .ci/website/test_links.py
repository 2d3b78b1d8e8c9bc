from website.links import dead_links


def test_no_link_inside_the_site_is_dead(site):
    dead = dead_links(site)

    assert not dead, "\n".join(dead)


def test_dead_links_are_found(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.html").write_text('<p id="here"></p><a href="../a.html">a</a><a href="#gone">x</a>')
    (tmp_path / "a.html").write_text(
        '<a href="deep/b.html#here">b</a><a href="https://example.org/gone">x</a><a href="mailto:a@b.c">x</a>'
        '<a href="deep/b.html#there">x</a><a href="c.html">x</a><img src="picture.svg"><a href="../outside.html">x</a>'
    )

    assert dead_links(tmp_path) == [
        "a.html: no file for ../outside.html",
        "a.html: no file for c.html",
        "a.html: no anchor for deep/b.html#there",
        "a.html: no file for picture.svg",
        "deep/b.html: no anchor for #gone",
    ]
