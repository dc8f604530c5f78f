"""Differentially private adaptation: DP-SGD for low-rank adapters, with patient groups as units.

Source: Abadi et al. 2016 (DP-SGD); Yu et al. 2022 (of adapters of language models).
"""
