"""What is cited, and when: each work stands by a key that the record of what ran names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """One work.

    Parameters
    ----------
    authors : str
        "Family Initials, Family Initials"; "et al." at the end where there are more.
    title, journal, volume, pages, year : str
        As they are printed; pages may be an article number.
    doi : str, default=""
        Without "https://doi.org/".
    """

    authors: str
    title: str
    journal: str
    volume: str
    pages: str
    year: str
    doi: str = ""

    def cited(self) -> str:
        """Return the work as a line of a list of references."""
        doi = f" doi:{self.doi}" if self.doi else ""
        source = f"{self.journal} {self.volume}:{self.pages}"
        return f"{self.authors} ({self.year}). {self.title}. {source}.{doi}"

    def bibtex(self, key: str) -> str:
        """Return the work as a BibTeX entry."""
        fields = {
            "author": " and ".join(map(_bibtex_name, self.authors.split(", "))),
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages.replace("-", "--"),
            "year": self.year,
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return "@article{" + key + ",\n" + ",\n".join(lines) + "\n}"


def _bibtex_name(name: str) -> str:
    """Return "de Lange A-MG" as "de Lange, A.-M. G."; "et al." as BibTeX says it."""
    if name == "et al.":
        return "others"
    family, _, initials = name.rpartition(" ")
    spaced = "".join(letter if letter == "-" else f"{letter}. " for letter in initials)
    return f"{family}, {spaced.strip().replace(' -', '-')}"


#: Looked up in published bibliographies, but for volume and pages of Butler and of Pedregosa.
REFERENCES = {
    "levakov2023": Reference(
        "Levakov G, Kaplan A, Yaskolka Meir A, et al.",
        "The effect of weight loss following 18 months of lifestyle intervention on brain age "
        "assessed with resting-state functional connectivity",
        "eLife",
        "12",
        "e83604",
        "2023",
        "10.7554/eLife.83604",
    ),
    "offset": Reference(
        "Beheshti I, Nugent S, Potvin O, Duchesne S",
        "Bias-adjustment in neuroimaging-based brain age frameworks: a robust scheme",
        "NeuroImage: Clinical",
        "24",
        "102063",
        "2019",
        "10.1016/j.nicl.2019.102063",
    ),
    "slope": Reference(
        "de Lange A-MG, Cole JH",
        "Commentary: Correction procedures in brain-age prediction",
        "NeuroImage: Clinical",
        "26",
        "102229",
        "2020",
        "10.1016/j.nicl.2020.102229",
    ),
    "uncorrected_accuracy": Reference(
        "Butler ER, Chen A, Ramadan R, et al.",
        "Pitfalls in brain age analyses",
        "Human Brain Mapping",
        "42",
        "4092-4101",
        "2021",
        "10.1002/hbm.25533",
    ),
    "ledoit_wolf": Reference(
        "Ledoit O, Wolf M",
        "A well-conditioned estimator for large-dimensional covariance matrices",
        "Journal of Multivariate Analysis",
        "88",
        "365-411",
        "2004",
        "10.1016/S0047-259X(03)00096-4",
    ),
    "combat": Reference(
        "Johnson WE, Li C, Rabinovic A",
        "Adjusting batch effects in microarray expression data using empirical Bayes methods",
        "Biostatistics",
        "8",
        "118-127",
        "2007",
        "10.1093/biostatistics/kxj037",
    ),
    "mmrm": Reference(
        "Mallinckrodt CH, Lane PW, Schnell D, Peng Y, Mancuso JP",
        "Recommendations for the primary analysis of continuous endpoints in longitudinal "
        "clinical trials",
        "Drug Information Journal",
        "42",
        "303-319",
        "2008",
        "10.1177/009286150804200402",
    ),
    "kenward_roger": Reference(
        "Kenward MG, Roger JH",
        "Small sample inference for fixed effects from restricted maximum likelihood",
        "Biometrics",
        "53",
        "983-997",
        "1997",
        "10.2307/2533558",
    ),
    "holm": Reference(
        "Holm S",
        "A simple sequentially rejective multiple test procedure",
        "Scandinavian Journal of Statistics",
        "6",
        "65-70",
        "1979",
    ),
    "dunnett": Reference(
        "Dunnett CW",
        "A multiple comparison procedure for comparing several treatments with a control",
        "Journal of the American Statistical Association",
        "50",
        "1096-1121",
        "1955",
        "10.1080/01621459.1955.10501294",
    ),
    "benjamini_hochberg": Reference(
        "Benjamini Y, Hochberg Y",
        "Controlling the false discovery rate: a practical and powerful approach to multiple "
        "testing",
        "Journal of the Royal Statistical Society B",
        "57",
        "289-300",
        "1995",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    "seitzman300": Reference(
        "Seitzman BA, Gratton C, Marek S, et al.",
        "A set of functionally-defined brain regions with improved representation of the "
        "subcortex and cerebellum",
        "NeuroImage",
        "206",
        "116290",
        "2020",
        "10.1016/j.neuroimage.2019.116290",
    ),
    "intervals": Reference(
        "Barber RF, Candès EJ, Ramdas A, Tibshirani RJ",
        "Predictive inference with the jackknife+",
        "Annals of Statistics",
        "49",
        "486-507",
        "2021",
        "10.1214/20-AOS1965",
    ),
    "patterns": Reference(
        "Haufe S, Meinecke F, Görgen K, et al.",
        "On the interpretation of weight vectors of linear models in multivariate neuroimaging",
        "NeuroImage",
        "87",
        "96-110",
        "2014",
        "10.1016/j.neuroimage.2013.10.067",
    ),
    "nilearn": Reference(
        "Abraham A, Pedregosa F, Eickenberg M, et al.",
        "Machine learning for neuroimaging with scikit-learn",
        "Frontiers in Neuroinformatics",
        "8",
        "14",
        "2014",
        "10.3389/fninf.2014.00014",
    ),
    "scikit-learn": Reference(
        "Pedregosa F, Varoquaux G, Gramfort A, et al.",
        "Scikit-learn: machine learning in Python",
        "Journal of Machine Learning Research",
        "12",
        "2825-2830",
        "2011",
    ),
    "consort2025": Reference(
        "Hopewell S, Chan A-W, Collins GS, et al.",
        "CONSORT 2025 statement: updated guideline for reporting randomised trials",
        "BMJ",
        "389",
        "e081123",
        "2025",
        "10.1136/bmj-2024-081123",
    ),
}


def cite(keys: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Return the references of what ran, and the same as BibTeX.

    Parameters
    ----------
    keys : iterable of str
        Of `REFERENCES`; what no reference stands for is passed over.

    Returns
    -------
    lines : tuple of str
        In order of the first author.
    bibtex : str

    Examples
    --------
    >>> words, bibtex = cite(["holm"])
    >>> words[0][:30]
    'Holm S (1979). A simple sequen'
    """
    chosen = {key: REFERENCES[key] for key in dict.fromkeys(keys) if key in REFERENCES}
    ordered = sorted(chosen.items(), key=lambda pair: pair[1].cited().lower())
    lines = tuple(reference.cited() for _, reference in ordered)
    return lines, "\n\n".join(reference.bibtex(key) for key, reference in ordered)
