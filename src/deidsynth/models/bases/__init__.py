"""Pretrained models that Python packages carry, turned into ordinary Hugging Face folders by readers of our own."""
