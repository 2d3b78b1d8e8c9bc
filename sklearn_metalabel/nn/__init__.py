"""Torch modules that give one logit for each label: the paper's models, and a multi-layer perceptron."""

from sklearn_metalabel.nn._attentive_bilstm import AttentiveBiLSTM
from sklearn_metalabel.nn._mlp import MLP
from sklearn_metalabel.nn._text_cnn import TextCNN

__all__ = ["AttentiveBiLSTM", "MLP", "TextCNN"]
