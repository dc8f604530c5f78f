"""The only room that computes with models: causal language models, token classifiers, tokenizers, training loops."""
