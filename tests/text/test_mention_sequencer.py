import pickle

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_metalabel.datasets import load_entity_typing
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import AttentiveBiLSTM
from sklearn_metalabel.text import Embeddings, MentionSequencer

SENTENCE = ["The", "artist", "Frida", "Kahlo", "painted", "a", "bus"]


def words_of(sequencer, row):
    """The words of a row, "-" for padding and "?" for unknown words."""
    return [{0: "-", 1: "?"}.get(index) or sequencer.tokens_[index - 2] for index in row]


@pytest.mark.parametrize(
    ("start", "end", "row"),
    [
        (2, 4, "the artist frida kahlo - painted a"),
        (0, 1, "- - the - - artist frida"),
        (6, 7, "painted a bus - - - -"),
        (1, 5, "- the artist frida kahlo a bus"),
        (0, 7, "- - the artist frida - -"),
    ],
)
def test_a_row_is_left_context_mention_and_right_context(start, end, row):
    sequencer = MentionSequencer(window=2, mention_length=3).fit([(SENTENCE, 3, 4), (SENTENCE, 0, 3), (SENTENCE, 6, 7)])
    assert words_of(sequencer, sequencer.transform([(SENTENCE, start, end)])[0]) == row.split()


def test_words_outside_the_windows_are_not_learned():
    sequencer = MentionSequencer(window=1, mention_length=2).fit([(SENTENCE, 2, 4)])
    assert sorted(sequencer.vocabulary_) == ["artist", "frida", "kahlo", "painted"]
    assert sequencer.n_tokens_ == 6


def test_words_of_the_embeddings_come_first():
    embeddings = Embeddings(["bus", "kahlo"], np.ones((2, 3)))
    sequencer = MentionSequencer(window=1, embeddings=embeddings, max_tokens=1).fit([(SENTENCE, 2, 4)])
    assert sequencer.tokens_.tolist() == ["bus", "kahlo", "artist"]


def test_lower_case_is_a_choice():
    sequencer = MentionSequencer(lowercase=False).fit([(SENTENCE, 2, 4)])
    assert {"The", "Frida"} <= set(sequencer.vocabulary_)


def test_triples_mappings_and_frames_give_the_same_rows():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    triples = [(SENTENCE, 2, 4), (SENTENCE, 6, 7)]
    mappings = [{"tokens": t, "start": s, "end": e, "labels": ["/person"]} for t, s, e in triples]
    objects = np.empty(2, dtype=object)
    objects[:] = triples
    expected = MentionSequencer().fit_transform(triples)
    for mentions in (mappings, objects, pd.DataFrame(mappings), pl.DataFrame(mappings), pd.Series(triples)):
        np.testing.assert_array_equal(MentionSequencer().fit_transform(mentions), expected)


def test_columns_have_names():
    names = MentionSequencer(window=2, mention_length=1).fit([(SENTENCE, 2, 4)]).get_feature_names_out()
    assert names.tolist() == ["token0", "token1", "token2", "token3", "token4"]


def test_a_pipeline_from_mentions_to_types_is_cross_validated():
    mentions = [{"tokens": ["the", name, "said"], "start": 1, "end": 2} for name in ("Kahlo", "Paris") * 10]
    Y = np.array([[1, 0], [0, 1]] * 10)
    sizes = {"module__mention_length": 2, "module__embedding_dim": 4, "module__hidden": 3, "module__attention": 3}
    network = TorchClassifier(AttentiveBiLSTM, **sizes, n_epochs=1, random_state=0)
    pipeline = make_pipeline(MentionSequencer(window=2, mention_length=2), network)
    assert np.isfinite(cross_val_score(pipeline, mentions, Y, cv=2, scoring="f1_micro")).all()


@pytest.mark.data
def test_the_mentions_of_bbn_are_read_as_they_are_loaded(data_folder):
    data = load_entity_typing(data_folder / "bbn_gold.jsonl.gz").data
    rows = MentionSequencer().fit_transform(data)
    assert len(rows) == len(data)
    assert (rows[:, 10] != 0).all()


def test_fitted_sequencers_pickle():
    sequencer = MentionSequencer().fit([(SENTENCE, 2, 4)])
    restored = pickle.loads(pickle.dumps(sequencer))
    np.testing.assert_array_equal(restored.transform([(SENTENCE, 1, 2)]), sequencer.transform([(SENTENCE, 1, 2)]))


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (2, 2), (3, 2), (5, 8)])
def test_a_mention_outside_its_sentence_is_named(start, end):
    message = f"inside its sentence and have a word, got start={start} and end={end} in 7 words at position 1"
    with pytest.raises(ValueError, match=message):
        MentionSequencer().fit([(SENTENCE, 0, 1), (SENTENCE, start, end)])


@pytest.mark.parametrize(
    "wrong", [None, (SENTENCE, 1), {"tokens": SENTENCE, "start": 1}, (SENTENCE, 0.0, 1.0), (SENTENCE, "0", 1)]
)
def test_a_malformed_mention_is_named_by_its_position(wrong):
    with pytest.raises(TypeError, match=r"must be \(tokens, start, end\), or a mapping .* at position 0"):
        MentionSequencer().fit([wrong])


def test_a_failed_fit_leaves_the_sequencer_as_it_was():
    sequencer = MentionSequencer().fit([(SENTENCE, 2, 4)])
    before = dict(sequencer.vocabulary_)
    with pytest.raises(ValueError, match="at least one mention, got none"):
        sequencer.fit([])
    assert sequencer.vocabulary_ == before


@pytest.mark.parametrize("wrong", [{"tokens": SENTENCE, "start": 0, "end": 1}, "Frida", None])
def test_one_mention_is_no_list_of_mentions(wrong):
    with pytest.raises(ValueError, match=f"X must hold mentions, got the single {type(wrong).__name__}"):
        MentionSequencer().fit(wrong)


def test_a_frame_without_a_column_is_refused():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"columns tokens, start and end, got a frame without \['end'\]"):
        MentionSequencer().fit(pd.DataFrame({"tokens": [SENTENCE], "start": [0]}))


def test_a_sentence_must_be_split_into_words():
    with pytest.raises(
        TypeError, match="tokens of a mention must be a list of words, got 'Frida' at position 0; split"
    ):
        MentionSequencer().fit([("Frida", 0, 1)])


@pytest.mark.parametrize("lowercase", [True, False])
def test_words_that_are_not_strings_are_named(lowercase):
    with pytest.raises(TypeError, match="Words of a mention and its sentence must be strings, got 7 at position 1"):
        MentionSequencer(lowercase=lowercase).fit([(SENTENCE, 0, 1), (["Frida", 7], 0, 1)])
