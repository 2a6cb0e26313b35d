"""The alternatives of a sweep: every choice of options with every other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from brainage.clock.options import ClockOptions
from brainage.errors import ConfigError
from brainage.showing import Shown
from brainage.wording import did_you_mean


@dataclass(frozen=True, repr=False)
class Alternative(Shown):
    """One clock of a sweep.

    Parameters
    ----------
    name : str
        Unique.
    options : ClockOptions
        The clock.
    features : str, default="features"
        Which feature table it sees, where a sweep compares atlases.

    Examples
    --------
    >>> alternative = Alternative("svr", ba.ClockOptions(estimator="svr"))
    >>> alternative
    Alternative
      name: svr
      options: estimator='svr'
      features: features
    """

    name: str
    options: ClockOptions
    features: str = "features"


def expand_alternatives(
    base: ClockOptions,
    choices: Mapping[str, Sequence],
    *,
    features: Sequence[str] = ("features",),
) -> list[Alternative]:
    """Combine lists of choices into alternatives, every choice with every other.

    Parameters
    ----------
    base : ClockOptions
        What all have in common.
    choices : mapping of str to sequence
        Dotted option name -> values, for example ``{"estimator": ["ridge", "svr"],
        "harmonization.method": ["none", "combat"]}``.
    features : sequence of str, default=("features",)
        Feature tables (atlases) to combine them with.

    Returns
    -------
    alternatives : list of Alternative
        Named by what varies: ``atlas=aal, estimator=ridge, harmonization.method=none``.

    Raises
    ------
    ConfigError
        An option that does not exist, or a value that it does not take; all of them at once.

    Examples
    --------
    >>> named = expand_alternatives(ba.ClockOptions(), {"estimator": ["ridge", "svr"]})
    >>> [each.name for each in named]
    ['estimator=ridge', 'estimator=svr']
    """
    alternatives, problems = [], []
    for table, *values in itertools.product(features, *choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        words = [f"{key}={_word(value)}" for key, value in chosen.items()]
        if len(features) > 1:
            words.insert(0, f"atlas={table}")
        name = ", ".join(words) or "base"
        try:
            options = ClockOptions.model_validate(_with(base.model_dump(), chosen))
        except KeyError as error:
            problems.append(f"{name}: {error.args[0]}")
            continue
        except ValidationError as error:
            problems += [
                ": ".join(
                    [name, *filter(None, [".".join(map(str, each["loc"]))]), _told(each["msg"])]
                )
                for each in error.errors()
            ]
            continue
        alternatives.append(Alternative(name, options, table))
    if problems:
        raise ConfigError("sweep: alternatives that are no valid clock:\n" + "\n".join(problems))
    return alternatives


def _with(options: dict, chosen: Mapping[str, object]) -> dict:
    """Return options with dotted keys set; KeyError for one that does not exist."""
    for dotted, value in chosen.items():
        *sections, last = dotted.split(".")
        target = options
        for section in sections:
            inner = target.get(section)
            if not isinstance(inner, dict):
                raise KeyError(f"{dotted}: no option of a clock; '{section}' is no section")
            target = inner
        if last not in target:
            hint = did_you_mean(last, target) or f" Known: {', '.join(target)}."
            raise KeyError(f"{dotted}: no option of a clock.{hint}")
        target[last] = value
    return options


def _told(message: str) -> str:
    return message.removeprefix("Value error, ")


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    return re.sub(r"[\[\]()'\"]", "", str(list(value) if isinstance(value, tuple) else value))
