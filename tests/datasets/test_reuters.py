import gzip
import html
import io
import json
import tarfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.datasets import fetch_reuters21578

DOCTYPE = '<!DOCTYPE lewis SYSTEM "lewis.dtd">\n'
# A story as it stands in the files, with everything around the text that they have.
STORY = """\
<REUTERS TOPICS="{yes}" LEWISSPLIT="{split}" CGISPLIT="TRAINING-SET" OLDID="5544" NEWID="{number}">
<DATE>26-FEB-1987 15:01:01.79</DATE>
<TOPICS>{topics}</TOPICS>
<PLACES><D>el-salvador</D><D>usa</D></PLACES>
<PEOPLE></PEOPLE>
<ORGS></ORGS>
<EXCHANGES></EXCHANGES>
<COMPANIES></COMPANIES>
<UNKNOWN>
&#5;&#5;&#5;C T
&#22;&#22;&#1;f0704&#31;reute
u f BC-BAHIA-COCOA-REVIEW   02-26 0105</UNKNOWN>
<TEXT{kind}>&#2;
{text}&#3;</TEXT>
</REUTERS>
"""
NORMAL = "<TITLE>{}</TITLE>\n<DATELINE>    SALVADOR, Feb 26 - </DATELINE><BODY>{}\n Reuter\n&#3;</BODY>"


def story(number, split, topics, text=None, *, yes="YES", kind=""):
    """A story in the original form; its title and body are its number, if no text is given."""
    text = NORMAL.format(f"TITLE {number}", f"Body {number}.") if text is None else text
    topics = "".join(f"<D>{topic}</D>" for topic in topics)
    return STORY.format(number=number, split=split, topics=topics, text=text, yes=yes, kind=kind)


def archive(*files):
    """Archive with these texts as .sgm files, and with two files that are none."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        contents = {f"reut2-{k:03d}.sgm": (DOCTYPE + text).encode("latin-1") for k, text in enumerate(files)}
        for name, content in {"README.txt": b"<REUTERS>", "lewis.dtd": b"", **contents}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def fetch(server, tmp_path):
    """Function from the texts of files to what the loader makes of them."""

    def fetch(*files, **params):
        server.files["/reuters21578.tar.gz"] = archive(*files)
        params = {"data_home": tmp_path, "url": f"{server.url}/reuters21578.tar.gz", "checksum": None, **params}
        return fetch_reuters21578(**params)

    return fetch


@pytest.fixture
def small():
    """Two files: the labels are earn and grain; only topics of one side are gold (training) and zinc (test)."""
    return (
        story(3, "TEST", ["earn", "zinc"]) + story(1, "TRAIN", ["grain", "earn"]) + story(9, "TRAIN", ["gold"]),
        story(2, "TRAIN", ["earn", "gold"]) + story(4, "TEST", ["grain"]) + story(5, "TEST", ["zinc"]),
    )


def test_labels_are_the_topics_with_training_and_test_stories(fetch, small):
    bunch = fetch(*small, subset="all")

    assert bunch.target_names.tolist() == ["earn", "grain"]
    assert bunch.ids.tolist() == [1, 2, 3, 4]
    assert bunch.split.tolist() == ["train", "train", "test", "test"]
    assert_array_equal(bunch.target.toarray(), [[1, 1], [1, 0], [1, 0], [0, 1]])
    assert bunch.target.dtype == np.int8
    assert bunch.data[0] == "TITLE 1\nBody 1.\n Reuter"
    assert bunch.frame is None
    assert "Number of samples: 4" in bunch.DESCR
    assert "research purposes" in bunch.DESCR


def test_all_is_train_followed_by_test(fetch, small):
    train, test, both = (fetch(*small, subset=subset) for subset in ("train", "test", "all"))

    assert train.data + test.data == both.data
    assert_array_equal(np.vstack([train.target.toarray(), test.target.toarray()]), both.target.toarray())
    assert train.target_names.tolist() == test.target_names.tolist() == both.target_names.tolist()


def test_training_stories_come_first_even_with_greater_numbers(fetch):
    bunch = fetch(story(7, "TRAIN", ["earn"]) + story(2, "TEST", ["earn"]), subset="all")

    assert bunch.ids.tolist() == [7, 2]


@pytest.mark.parametrize(
    ("split", "yes", "topics"),
    [
        ("NOT-USED", "YES", ["earn"]),
        ("TRAIN", "NO", ["earn"]),
        ("TRAIN", "BYPASS", ["earn"]),
        ("TRAIN", "YES", []),
    ],
)
def test_stories_outside_the_split_are_left_out(fetch, small, split, yes, topics):
    bunch = fetch(*small, story(8, split, topics, yes=yes), subset="all")

    assert 8 not in bunch.ids


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("******<TITLE>MAGMA LOWERS\nCOPPER</TITLE>Blah blah blah.\n&#3;\n\n", ' TYPE="BRIEF"', "MAGMA LOWERS\nCOPPER"),
        (
            "******B.F. GOODRICH &lt;GR> UP\n\n   1ST &amp; 2ND\n",
            ' TYPE="UNPROC"',
            "******B.F. GOODRICH <GR> UP\n\n   1ST & 2ND",
        ),
        ("<AUTHOR>By J. Doe</AUTHOR><BODY>Only a body\n&#3;</BODY>", "", "Only a body"),
        (
            NORMAL.format("A &amp;lt; B", "\x03\x7f\x85\tIn M\xfcnchen\r\nat &#127;3/4"),
            "",
            "A &lt; B\nIn M\xfcnchen\nat 3/4\n Reuter",
        ),
    ],
    ids=["brief", "unprocessed", "body alone", "entities and control characters"],
)
def test_the_text_is_what_is_printed(fetch, small, text, kind, expected):
    bunch = fetch(*small, story(6, "TEST", ["earn"], text, kind=kind), subset="test")

    assert bunch.data[bunch.ids.tolist().index(6)] == expected


def test_given_categories_are_the_labels(fetch, small):
    bunch = fetch(*small, categories=["zinc", "gold"], subset="all")

    assert bunch.target_names.tolist() == ["gold", "zinc"]
    assert bunch.ids.tolist() == [2, 9, 3, 5]
    assert_array_equal(bunch.target.toarray(), [[1, 0], [1, 0], [0, 1], [0, 1]])


def test_a_part_without_the_categories_is_empty(fetch, small):
    bunch = fetch(*small, categories=["zinc"], subset="train")

    assert bunch.target.shape == (0, 1)
    assert bunch.data == []


@pytest.mark.parametrize(("categories", "named"), [("modapte", "modapte"), (["earn", "tin", "lead"], "lead, tin")])
def test_unknown_categories_are_named(fetch, small, categories, named):
    with pytest.raises(ValueError, match=f'categories must be "modapte90" or a list of topics that occur; got {named}'):
        fetch(*small, categories=categories)


def test_an_unknown_subset_is_refused():
    with pytest.raises(ValueError, match='subset must be "train", "test" or "all"; got \'valid\''):
        fetch_reuters21578(subset="valid")


def test_return_X_y_gives_data_and_target(fetch, small):
    bunch, (X, Y) = fetch(*small), fetch(*small, return_X_y=True)

    assert X == bunch.data
    assert_array_equal(Y.toarray(), bunch.target.toarray())


def test_frames_hold_the_same_under_the_names_of_the_topics(fetch, small):
    pd = pytest.importorskip("pandas")
    plain, framed = fetch(*small), fetch(*small, as_frame=True)

    assert isinstance(framed.data, pd.Series)
    assert framed.data.name == "text"
    assert framed.data.tolist() == plain.data
    assert framed.target.columns.tolist() == ["earn", "grain"]
    assert_array_equal(framed.target.to_numpy(), plain.target.toarray())
    assert framed.frame.columns.tolist() == ["text", "earn", "grain"]


def test_the_archive_is_kept_and_another_one_is_refused(fetch, small, server, tmp_path):
    fetch(*small)
    fetch(*small, download_if_missing=False)

    assert len(server.requests) == 1
    assert (tmp_path / "sklearn_metalabel" / "reuters21578" / "reuters21578.tar.gz").exists()
    with pytest.raises(OSError, match=r"reuters21578.tar.gz was wanted with the SHA-256 3bae43c9.*, got"):
        fetch_reuters21578(data_home=tmp_path)


def test_without_a_network_the_message_says_what_to_do(closed_url, tmp_path, no_waiting):
    with pytest.raises(OSError, match="reuters21578.tar.gz could not be downloaded from http://127.0.0.1"):
        fetch_reuters21578(data_home=tmp_path, url=f"{closed_url}/reuters21578.tar.gz")
    with pytest.raises(OSError, match=r"is not in .*reuters21578: put it .* download_if_missing=True"):
        fetch_reuters21578(data_home=tmp_path, download_if_missing=False)


def test_an_archive_without_stories_is_refused(fetch):
    with pytest.raises(ValueError, match=r"with the stories of Reuters-21578 in .sgm files, got none; delete it"):
        fetch("nothing")


@pytest.mark.data
def test_real_stories_written_in_the_original_form_are_read_back(data_folder, fetch):
    with gzip.open(data_folder / "reuters21578_aptemod.jsonl.gz", "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    stories = []
    for each in documents:
        title, body = each["title"], each["text"].removeprefix(each["title"])
        text = html.escape(body, quote=False)
        if title:
            text = f"<TITLE>{html.escape(title, quote=False)}</TITLE>" + (f"<BODY>{text}&#3;</BODY>" if text else "")
        stories.append(
            story(each["id"], each["split"].upper(), each["labels"], text, kind="" if title else ' TYPE="UNPROC"')
        )
    bunch = fetch("".join(stories[:5000]), "".join(stories[5000:]), subset="all")

    expected = sorted(documents, key=lambda each: (each["split"] == "test", each["id"]))
    assert bunch.ids.tolist() == [each["id"] for each in expected]
    assert bunch.data == [each["text"] for each in expected]
    assert bunch.split.tolist() == [each["split"] for each in expected]
    labels = [set(bunch.target_names[row.indices]) for row in bunch.target]
    assert labels == [set(each["labels"]) for each in expected]
