"""Models: causal language models, token classifiers, tokenizers and training loops."""
