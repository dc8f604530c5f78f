"""How the stages work; each is loaded when it runs."""
