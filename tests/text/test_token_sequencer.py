import pickle
from collections import Counter

import numpy as np
import pytest
import skops.io
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import TextCNN
from sklearn_metalabel.text import Embeddings, TokenSequencer

DOCUMENTS = ["Oil prices rise, oil!", "wheat and oil", "wheat"]
EMBEDDINGS = Embeddings(["gold", "oil"], [[1.0, 2.0], [3.0, 4.0]])


def naive_rows(training, documents, max_length):
    """Word indices found by counting and sorting, document by document."""
    counts = Counter(word for document in training for word in document)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    rows = [[words.index(word) + 2 if word in words else 1 for word in document] for document in documents]
    return np.array([(row + [0] * max_length)[:max_length] for row in rows])


@pytest.mark.parametrize("seed", range(10))
def test_rows_equal_the_loop(seed):
    rng = np.random.default_rng(seed)
    draw = [[f"w{k}" for k in rng.integers(12, size=rng.integers(9))] for _ in range(20)]
    training, documents = draw[:10], draw[10:]
    sequencer = TokenSequencer(max_length=5).fit(training)
    np.testing.assert_array_equal(sequencer.transform(documents), naive_rows(training, documents, 5))


def test_padding_is_zero_unknown_is_one_and_words_follow_by_frequency():
    sequencer = TokenSequencer(max_length=6).fit(DOCUMENTS)
    assert sequencer.tokens_.tolist() == ["oil", "wheat", "and", "prices", "rise"]
    assert sequencer.vocabulary_["oil"] == 2
    assert sequencer.n_tokens_ == 7
    rows = sequencer.transform(["silver wheat"])
    assert rows.dtype == np.int32
    assert rows.tolist() == [[1, 3, 0, 0, 0, 0]]


def test_words_of_the_embeddings_come_first_whether_they_occur_or_not():
    sequencer = TokenSequencer(embeddings=EMBEDDINGS).fit(DOCUMENTS)
    assert sequencer.tokens_.tolist() == ["gold", "oil", "wheat", "and", "prices", "rise"]


@pytest.mark.parametrize(
    ("params", "learned"),
    [
        ({"min_df": 2}, ["oil", "wheat"]),
        ({"min_df": 0.5}, ["oil", "wheat"]),
        ({"max_tokens": 3}, ["oil", "wheat", "and"]),
        ({"max_tokens": 1, "embeddings": EMBEDDINGS}, ["gold", "oil", "wheat"]),
        ({"max_tokens": 0, "embeddings": EMBEDDINGS}, ["gold", "oil"]),
        ({"lowercase": False}, ["oil", "wheat", "Oil", "and", "prices", "rise"]),
    ],
)
def test_the_vocabulary_has_limits(params, learned):
    assert TokenSequencer(**params).fit(DOCUMENTS).tokens_.tolist() == learned


def test_long_documents_are_cut_and_none_is_the_longest_training_document():
    assert TokenSequencer(max_length=2).fit_transform(DOCUMENTS).shape == (3, 2)
    sequencer = TokenSequencer(max_length=None).fit(DOCUMENTS)
    assert sequencer.max_length_ == 4
    assert set(sequencer.vocabulary_) == {"oil", "prices", "rise", "wheat", "and"}
    assert sequencer.transform(["oil " * 9]).tolist() == [[2, 2, 2, 2]]


def test_words_can_be_found_by_a_pattern_or_a_function_or_be_given():
    by_pattern = TokenSequencer(token_pattern=r"[a-z]+").fit(["oil-price 3"])
    by_function = TokenSequencer(tokenizer=str.split).fit(["oil-price 3"])
    given = TokenSequencer().fit([["oil-price", "3"]])
    assert sorted(by_pattern.vocabulary_) == ["oil", "price"]
    assert sorted(by_function.vocabulary_) == sorted(given.vocabulary_) == ["3", "oil-price"]


def test_indices_turn_back_into_words():
    sequencer = TokenSequencer(max_length=4).fit(DOCUMENTS)
    rows = sequencer.transform(["oil and silver", ""])
    assert sequencer.inverse_transform(rows) == [["oil", "and", "<unk>"], []]


def test_columns_have_names():
    sequencer = TokenSequencer(max_length=3).fit(DOCUMENTS)
    assert sequencer.get_feature_names_out().tolist() == ["token0", "token1", "token2"]
    pytest.importorskip("pandas")
    assert list(sequencer.set_output(transform="pandas").transform(DOCUMENTS).columns) == ["token0", "token1", "token2"]


@pytest.mark.parametrize("form", [np.array, tuple, iter])
def test_documents_come_in_any_iterable(form):
    np.testing.assert_array_equal(
        TokenSequencer(max_length=4).fit_transform(form(DOCUMENTS)),
        TokenSequencer(max_length=4).fit_transform(DOCUMENTS),
    )


def test_a_series_of_documents_is_taken():
    pd = pytest.importorskip("pandas")
    series = pd.Series(DOCUMENTS, index=[5, 3, 1])
    np.testing.assert_array_equal(TokenSequencer().fit_transform(series), TokenSequencer().fit_transform(DOCUMENTS))


def test_fitted_sequencers_survive_pickle_and_skops():
    sequencer = TokenSequencer(max_length=4, embeddings=EMBEDDINGS).fit(DOCUMENTS)
    expected = sequencer.transform(DOCUMENTS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(sequencer)).transform(DOCUMENTS), expected)
    dumped = skops.io.dumps(sequencer)
    trusted = skops.io.get_untrusted_types(data=dumped)
    assert all(name.startswith("sklearn_metalabel") for name in trusted)
    np.testing.assert_array_equal(skops.io.loads(dumped, trusted=trusted).transform(DOCUMENTS), expected)


def test_a_grid_search_reaches_text_and_network():
    documents = ["oil up", "oil down", "wheat up", "wheat down"] * 5
    Y = np.array([[1, 0], [1, 0], [0, 1], [0, 1]] * 5)
    network = TorchClassifier(TextCNN, module__embedding_dim=4, module__n_filters=3, n_epochs=1, random_state=0)
    grid = {"tokensequencer__max_length": [1, 2], "torchclassifier__module__n_filters": [2, 3]}
    search = GridSearchCV(make_pipeline(TokenSequencer(), network), grid, cv=2, scoring="f1_micro")
    assert set(search.fit(documents, Y).best_params_) == set(grid)
    for name, value in search.best_params_.items():
        assert search.best_estimator_.get_params()[name] == value
    assert search.predict(documents).shape == Y.shape


def test_one_string_is_no_list_of_documents():
    with pytest.raises(ValueError, match="X must hold documents, got the single str 'oil prices'; put it into a list"):
        TokenSequencer().fit("oil prices")
    with pytest.raises(ValueError, match="single str"):
        TokenSequencer().fit(DOCUMENTS).transform("oil")


@pytest.mark.parametrize("wrong", [None, float("nan"), 3, b"oil"])
def test_a_malformed_document_is_named_by_its_position(wrong):
    with pytest.raises(TypeError, match=r"a string or a list of words, got .* at position 1"):
        TokenSequencer().fit(["oil", wrong])


def test_a_failed_fit_leaves_the_sequencer_as_it_was():
    sequencer = TokenSequencer(max_length=4).fit(DOCUMENTS)
    with pytest.raises(ValueError, match="at least one document, got none"):
        sequencer.fit([])
    assert sequencer.transform(["oil"]).tolist() == [[2, 0, 0, 0]]


@pytest.mark.parametrize("params", [{"min_df": 0}, {"max_length": 0}, {"max_tokens": -1}, {"embeddings": [[1.0]]}])
def test_parameters_out_of_range_are_refused(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of TokenSequencer must be"):
        TokenSequencer(**params).fit(DOCUMENTS)


@pytest.mark.parametrize("wrong", [[1, 2], ["oil", None]])
def test_words_of_a_document_that_are_not_strings_are_named(wrong):
    with pytest.raises(TypeError, match=r"Words of a document must be strings, got .* at position 1"):
        TokenSequencer().fit(["oil", wrong])


@pytest.mark.parametrize("library", ["pandas", "polars", "numpy"])
def test_one_column_is_read_as_its_documents(library):
    module = pytest.importorskip(library)
    X = np.array(DOCUMENTS)[:, None] if library == "numpy" else module.DataFrame({"text": DOCUMENTS})
    np.testing.assert_array_equal(TokenSequencer().fit_transform(X), TokenSequencer().fit_transform(DOCUMENTS))


def test_several_columns_are_refused():
    with pytest.raises(ValueError, match="documents in one column, got 2 columns; select the one of the texts"):
        TokenSequencer().fit(np.array([["oil", "gold"]]))


@pytest.mark.parametrize("wrong", [3, None])
def test_an_input_without_documents_is_refused(wrong):
    with pytest.raises(ValueError, match=f"X must hold documents, got the single {type(wrong).__name__}"):
        TokenSequencer().fit(wrong)


@pytest.mark.parametrize("params", [{"tokenizer": lambda text: [3]}, {"token_pattern": "(o)(i)"}])
def test_words_that_are_found_must_be_strings(params):
    with pytest.raises(TypeError, match="token_pattern or tokenizer finds must be strings, got .* at position 0"):
        TokenSequencer(**params).fit(["oil"])


def test_a_tokenizer_may_give_its_words_one_by_one():
    found = TokenSequencer(tokenizer=lambda text: iter(text.split())).fit(["oil up"])
    assert found.tokens_.tolist() == ["oil", "up"]


def test_a_pattern_that_is_not_a_regular_expression_is_refused():
    with pytest.raises(ValueError, match=r"token_pattern must be a regular expression, got '\(': missing \)"):
        TokenSequencer(token_pattern="(").fit(["oil"])


@pytest.mark.parametrize(
    ("documents", "params"), [(["", ""], {}), (DOCUMENTS, {"min_df": 4}), (DOCUMENTS, {"max_tokens": 0})]
)
def test_a_vocabulary_without_words_is_refused(documents, params):
    with pytest.raises(
        ValueError, match=r"TokenSequencer must find at least one word, found none in \d rows with min_df="
    ):
        TokenSequencer(**params).fit(documents)
    assert TokenSequencer(**params, embeddings=EMBEDDINGS).fit(documents).n_tokens_ >= 4


def test_a_share_of_one_keeps_the_words_of_every_document():
    assert TokenSequencer(min_df=1.0).fit(["oil up", "oil down"]).tokens_.tolist() == ["oil"]


def test_words_are_plain_strings_whatever_they_came_from():
    sequencer = TokenSequencer(lowercase=False).fit([np.array(["oil", "gold"])])
    assert {type(word) for word in [*sequencer.tokens_, *sequencer.vocabulary_]} == {str}


@pytest.mark.parametrize("wrong", [[[7, 0]], [[-1, 0]], [[2.0, 0.0]], [2, 0]])
def test_indices_of_another_sequencer_have_no_words(wrong):
    sequencer = TokenSequencer().fit(DOCUMENTS)
    with pytest.raises(ValueError, match="X must be rows of integers from 0 to 6, got shape .*; pass what transform"):
        sequencer.inverse_transform(wrong)


@pytest.mark.parametrize("use", ["transform", "inverse_transform", "get_feature_names_out"])
def test_nothing_works_before_fit(use):
    with pytest.raises(NotFittedError, match="TokenSequencer instance is not fitted"):
        getattr(TokenSequencer(), use)(DOCUMENTS)
