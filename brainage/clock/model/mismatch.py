"""How to mend features that a clock refuses."""

from __future__ import annotations

from brainage.connectivity import ViewSpec


def advice(expected: ViewSpec, found: ViewSpec, *, cleaning: str = "") -> str:
    """Return what to do about features of another making, one sentence a difference.

    Parameters
    ----------
    expected, found : ViewSpec
        The clock's, and that of the features.
    cleaning : str, default=""
        The clock's cleaning in words, where it is known.

    Examples
    --------
    >>> from dataclasses import replace
    >>> expected = examples.features()["fisher_z"].spec
    >>> print(advice(expected, replace(expected, atlas="power264"))[:56])
    Re-run `brainage extract` with science.atlas.name: latti
    """
    sentences = []
    parcels = expected.parcel_names != found.parcel_names or expected.networks != found.networks
    if expected.atlas != found.atlas or parcels:
        sentences.append(
            f"Re-run `brainage extract` with science.atlas.name: {expected.atlas}, "
            "or name that atlas's series."
        )
    if expected.cleaning_fingerprint != found.cleaning_fingerprint:
        words = f" ({cleaning})" if cleaning else ""
        sentences.append(
            "Re-run `brainage extract` with the clock's science.cleaning"
            f"{words}, or train a clock on series cleaned like these."
        )
    if expected.shrinkage != found.shrinkage:
        sentences.append(
            f"Set science.connectivity.shrinkage: {expected.shrinkage} and build the "
            "features again."
        )
    if expected.kind != found.kind or expected.layout != found.layout:
        sentences.append(
            "Build the features again with the brainage the clock was trained with "
            "(`brainage clock show` prints its version)."
        )
    return " ".join(sentences)
