"""Confounds, strategies and censoring."""

from brainage.imaging.cleaning.confounds import Nuisance, load_nuisance
from brainage.imaging.cleaning.strategies import Strategy, list_strategies, load_strategy

__all__ = ["Nuisance", "Strategy", "list_strategies", "load_nuisance", "load_strategy"]
