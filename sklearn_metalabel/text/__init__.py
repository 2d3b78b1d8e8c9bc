"""From documents, or mentions in sentences, to the word indices that networks look up."""

from sklearn_metalabel.text._embeddings import Embeddings
from sklearn_metalabel.text._load_embeddings import load_embeddings
from sklearn_metalabel.text._mention_sequencer import MentionSequencer
from sklearn_metalabel.text._token_sequencer import TokenSequencer

__all__ = ["Embeddings", "MentionSequencer", "TokenSequencer", "load_embeddings"]
