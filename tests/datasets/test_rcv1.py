import gzip

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.datasets import fetch_rcv1_v2
from sklearn_metalabel.utils import label_depths

TREE = [("None", "Root"), ("CCAT", "C15"), ("C151", "C1511"), ("C15", "C151"), ("Root", "CCAT"), ("Root", "GCAT")]
STORIES = {
    "train": [{2286: "recov recov\nexcit bring", 2287: "uruguay"}],
    "test": [{26151: "one"}, {26153: "three four\nfive\nsix"}, {26152: "two"}, {26160: "seven", 26155: ""}],
}
TOPICS = {
    2286: ["GCAT"],
    2287: ["CCAT", "C15", "C151", "C1511"],
    26151: ["GCAT", "CCAT"],
    26152: ["CCAT"],
    26153: ["C15", "CCAT"],
    26155: ["GCAT"],
    26160: ["CCAT", "C15", "C151"],
}


def token_file(stories):
    """Stories in the original form."""
    return gzip.compress("".join(f".I {number}\n.W\n{text}\n\n" for number, text in stories.items()).encode())


@pytest.fixture
def original(server):
    """Server with small files in the original form, in the original places."""
    lines = [f"{topic} {number} 1\n" for number, topics in TOPICS.items() for topic in topics]
    tree = [f"parent: {parent:<7} child: {child:<7} child-description: A B  C\n" for parent, child in TREE]
    server.files = {
        "/a08-topic-qrels/rcv1-v2.topics.qrels.gz": gzip.compress("".join(reversed(lines)).encode()),
        "/a02-orig-topics-hierarchy/rcv1.topics.hier.orig": ("".join(tree) + "\n").encode(),
        "/a12-token-files/lyrl2004_tokens_train.dat.gz": token_file(STORIES["train"][0]),
    }
    for k, stories in enumerate(STORIES["test"]):
        server.files[f"/a12-token-files/lyrl2004_tokens_test_pt{k}.dat.gz"] = token_file(stories)
    return server


@pytest.fixture
def fetch(original, tmp_path):
    """The loader with the address of the small files."""
    return lambda **params: fetch_rcv1_v2(**{"data_home": tmp_path, "url": original.url, **params})


def test_stories_topics_and_tree_are_read_from_the_original_files(fetch):
    bunch = fetch()

    assert bunch.data == ["recov recov excit bring", "uruguay"]
    assert bunch.ids.tolist() == [2286, 2287]
    assert bunch.split.tolist() == ["train", "train"]
    assert bunch.target_names.tolist() == ["C15", "C151", "C1511", "CCAT", "GCAT"]
    assert_array_equal(bunch.target.toarray(), [[0, 0, 0, 0, 1], [1, 1, 1, 1, 0]])
    assert bunch.target.dtype == np.int8
    assert bunch.parents.tolist() == [3, 0, 1, -1, -1]
    assert bunch.frame is None
    assert "Number of samples: 2" in bunch.DESCR


def test_topics_are_those_of_a_slow_reading(fetch):
    bunch = fetch(subset="all")

    stories = {number: text for files in STORIES.values() for part in files for number, text in part.items()}
    assert bunch.ids.tolist() == list(stories)
    assert bunch.data == [" ".join(text.split()) for text in stories.values()]
    assert [set(bunch.target_names[row.indices]) for row in bunch.target] == [set(TOPICS[k]) for k in stories]


def test_all_is_train_followed_by_test(fetch):
    train, test, both = (fetch(subset=subset) for subset in ("train", "test", "all"))

    assert train.data + test.data == both.data
    assert train.split.tolist() + test.split.tolist() == both.split.tolist() == ["train"] * 2 + ["test"] * 5
    assert_array_equal(np.vstack([train.target.toarray(), test.target.toarray()]), both.target.toarray())
    for each in (train, test):
        assert_array_equal(each.target_names, both.target_names)
        assert_array_equal(each.parents, both.parents)


def test_parents_give_the_depths_of_the_topics(fetch):
    bunch = fetch()

    assert label_depths(bunch.target_names, bunch.parents).tolist() == [2, 3, 4, 1, 1]


def test_only_the_files_of_the_subset_are_downloaded_and_each_once(fetch, original, tmp_path):
    fetch()
    assert len(original.requests) == 3
    fetch(subset="test")
    fetch(subset="all", download_if_missing=False)

    assert len(original.requests) == 7
    names = {path.name for path in (tmp_path / "sklearn_metalabel" / "rcv1_v2").iterdir()}
    assert "lyrl2004_tokens_test_pt3.dat.gz" in names
    assert "rcv1.topics.hier.orig.sha256" in names


def test_a_checksum_is_taken_by_file_name(fetch):
    name = "rcv1-v2.topics.qrels.gz"
    with pytest.raises(OSError, match=rf"{name} was wanted from .*/a08-topic-qrels/{name} with the SHA-256 00"):
        fetch(checksum={name: "00"})


def test_an_unknown_subset_is_refused():
    with pytest.raises(ValueError, match='subset must be "train", "test" or "all"; got None'):
        fetch_rcv1_v2(subset=None)


def test_a_file_without_stories_is_refused(fetch, original):
    original.files["/a12-token-files/lyrl2004_tokens_train.dat.gz"] = gzip.compress(b"")
    with pytest.raises(
        ValueError, match=r"tokens_train.dat.gz was wanted with stories that begin .* got none; delete it"
    ):
        fetch()


def test_return_X_y_gives_data_and_target(fetch):
    X, Y = fetch(return_X_y=True)

    assert X == fetch().data
    assert_array_equal(Y.toarray(), fetch().target.toarray())


def test_frames_hold_the_same_under_the_names_of_the_topics(fetch):
    pd = pytest.importorskip("pandas")
    plain, framed = fetch(), fetch(as_frame=True)

    assert isinstance(framed.data, pd.Series)
    assert framed.data.tolist() == plain.data
    assert framed.target.columns.tolist() == plain.target_names.tolist()
    assert_array_equal(framed.target.to_numpy(), plain.target.toarray())
    assert framed.frame.shape == (2, 1 + 5)


def test_without_a_network_the_message_says_what_to_do(closed_url, tmp_path, no_waiting):
    with pytest.raises(OSError, match="lyrl2004_tokens_train.dat.gz could not be downloaded from http://127.0.0.1"):
        fetch_rcv1_v2(data_home=tmp_path, url=closed_url)
    with pytest.raises(OSError, match=r"lyrl2004_tokens_train.dat.gz of .* is not in .*rcv1_v2: put it"):
        fetch_rcv1_v2(data_home=tmp_path, download_if_missing=False)
