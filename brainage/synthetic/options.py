"""Choices of the synthetic room: who is made, how hard they are to date, and what is planted.

No seed is among them: the same options with another seed are another cohort of the same world.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from brainage.options import Listed, Options


class ReferenceOptions(Options):
    """The healthy adults a clock is trained on, one scan each.

    Parameters
    ----------
    n : int, default=2433
        How many people.
    age_low_years : float, default=18.0
        Youngest; ages are uniform.
    age_high_years : float, default=90.0
        Oldest; see age_low_years.
    n_sites : int, default=4
        People are spread evenly over sites, each with its own shift and scale.
    site_age_confounding : float, default=0.0
        Share of the age range that sites divide among them (0 to 1): at 0 every site scans all
        ages, at 1 each scans people of one age, the first site the youngest.
    """

    n: int = Field(default=2433, ge=0)
    age_low_years: float = Field(default=18.0, ge=0, le=110)
    age_high_years: float = Field(default=90.0, ge=0, le=110)
    n_sites: int = Field(default=4, ge=1)
    site_age_confounding: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _ages_ascend(self) -> Self:
        if self.age_high_years < self.age_low_years:
            raise ValueError("age_high_years to be at least age_low_years")
        return self


class VisitPlan(Options):
    """One visit as it happens in the synthetic trial.

    Parameters
    ----------
    session_id : str
        As in the files.
    nominal_years : float
        Time since baseline.
    common_effect_years : float, default=0.0
        Added to the brain age of every arm at this visit (habituation, scanner drift), in latent
        years.
    """

    session_id: str
    nominal_years: float = Field(ge=0)
    common_effect_years: float = 0.0


class ArmPlan(Options):
    """One arm and what its treatment does.

    Parameters
    ----------
    name : str
        As in the allocation table.
    n : int
        People; with stratified blocks the number aimed at.
    effects_years : tuple of float
        Change of brain age at each visit after baseline, in latent years; negative: younger.
    regional_z : float, default=0.0
        Rise of the covariance between prefrontal parcels at each visit after baseline (about the
        rise of their Fisher z).
    sessions_mean : float, default=0.0
        Mean number of training sessions attended; 0: none was offered.
    shares_kept : tuple of float, default=()
        Share of the volumes left of a scan at each visit after baseline, as where an arm moves more
        and is scrubbed more; empty: all of every scan. No brain age is changed by it.
    """

    name: str
    n: int = Field(ge=1)
    effects_years: Listed[float]
    regional_z: float = Field(default=0.0, ge=0)
    sessions_mean: float = Field(default=0.0, ge=0)
    shares_kept: Listed[Annotated[float, Field(gt=0, le=1)]] = ()


class DropoutOptions(Options):
    """Who misses which visit after baseline, and what it depends on.

    Parameters
    ----------
    rate : float, default=0.1
        Share of those who attended the visit before, with an average gap, who miss the next.
    depends_on : {"nothing", "baseline_gap", "previous_gap"}, default="previous_gap"
        Which latent gap (brain age minus age) the odds depend on: at baseline, or at the last
        visit attended. Never one that was not seen.
    log_odds_per_sd : float, default=0.5
        Rise of the log odds for each standard deviation of that gap; 0: completely at random.
    return_share : float, default=0.3
        Share of those who missed a visit who are ready to come back; of these too `rate` miss the
        next.
    """

    rate: float = Field(default=0.1, ge=0, lt=1)
    depends_on: Literal["nothing", "baseline_gap", "previous_gap"] = "previous_gap"
    log_odds_per_sd: float = 0.5
    return_share: float = Field(default=0.3, ge=0, le=1)


class TrialPlan(Options):
    """The randomised trial.

    Parameters
    ----------
    arms : tuple of ArmPlan
        Control first.
    visits : tuple of VisitPlan
        Baseline first.
    age_low_years : float, default=62.0
        Youngest at baseline; ages are uniform.
    age_high_years : float, default=70.0
        Oldest at baseline.
    visit_jitter_sd_years : float, default=0.05
        How far visits fall from their nominal time.
    site : str, default="lisa"
        The trial's one centre; it is none of the reference sites.
    allocation : {"simple", "stratified_blocks"}, default="simple"
        "simple": a shuffled list with each arm's n. "stratified_blocks": permuted blocks within
        sex x BMI x chair stand.
    block_size : int, default=6
        Of the permuted blocks; a multiple of the number of arms.
    effect_sd_years : float, default=0.0
        Spread of the effect between people of an arm that has one.
    dose_share : float, default=0.0
        Share of the effect that is proportional to the sessions attended (0 to 1); the arm's mean
        effect stays as planned.
    dropout : DropoutOptions
        Missed visits.
    scanner_change_from : str or None, default=None
        session_id from which on the scanner is another one; None: no change.
    scanner_change_share : float, default=1.0
        Share of the people scanned on the new scanner from then on.
    loss : {"scattered", "contiguous"}, default="scattered"
        How volumes are lost where an arm's `shares_kept` says so: bursts of 5 at random places, or
        the end of the scan. Images lose their end.
    """

    arms: Listed[ArmPlan]
    visits: Listed[VisitPlan]
    age_low_years: float = Field(default=62.0, ge=0, le=110)
    age_high_years: float = Field(default=70.0, ge=0, le=110)
    visit_jitter_sd_years: float = Field(default=0.05, ge=0, le=0.2)
    site: str = "lisa"
    allocation: Literal["simple", "stratified_blocks"] = "simple"
    block_size: int = Field(default=6, ge=2)
    effect_sd_years: float = Field(default=0.0, ge=0)
    dose_share: float = Field(default=0.0, ge=0, le=1)
    dropout: DropoutOptions = DropoutOptions()
    scanner_change_from: str | None = None
    scanner_change_share: float = Field(default=1.0, ge=0, le=1)
    loss: Literal["scattered", "contiguous"] = "scattered"

    @model_validator(mode="after")
    def _plan_holds_together(self) -> Self:
        if not self.arms or not self.visits:
            raise ValueError("at least one arm and one visit")
        if self.age_high_years < self.age_low_years:
            raise ValueError("age_high_years to be at least age_low_years")
        sessions = [visit.session_id for visit in self.visits]
        names = [arm.name for arm in self.arms]
        if len(set(sessions)) < len(sessions) or len(set(names)) < len(names):
            raise ValueError("names of arms and visits that differ from each other")
        years = [visit.nominal_years for visit in self.visits]
        if years[0] != 0 or any(b <= a for a, b in zip(years, years[1:], strict=False)):
            raise ValueError("visits in order of time, baseline (nominal_years 0) first")
        for arm in self.arms:
            if len(arm.effects_years) != len(self.visits) - 1:
                raise ValueError(
                    f"arm {arm.name}: effects_years of length {len(self.visits) - 1}, "
                    "one for each visit after baseline"
                )
            if arm.shares_kept and len(arm.shares_kept) != len(self.visits) - 1:
                raise ValueError(
                    f"arm {arm.name}: shares_kept of length {len(self.visits) - 1}, one for each "
                    "visit after baseline, or none"
                )
        if self.allocation == "stratified_blocks" and self.block_size % len(self.arms):
            raise ValueError("block_size to be a multiple of the number of arms")
        if self.scanner_change_from is not None and self.scanner_change_from not in sessions[1:]:
            raise ValueError(f"scanner_change_from to be one of {sessions[1:]}")
        return self


class DifficultyOptions(Options):
    """How strongly each source moves connectivity; loadings are per parcel, series unit variance.

    The defaults are the twin's; ``scripts/calibrate_synthetic.py`` prints what they come to.

    Parameters
    ----------
    ageing : float, default=0.05
        Root-mean-square change of a parcel's loadings for 20 years of brain age.
    person_offset_sd_years : float, default=10.0
        Stable offset of a person's brain age from the calendar.
    state_sd_years : float, default=1.0
        Fluctuation of brain age from scan to scan.
    person_connectivity : float, default=0.15
        Root-mean-square of a person's own stable loadings in network-structured directions.
    person_diffuse : float, default=0.1
        The same, without structure.
    scan_connectivity : float, default=0.05
        The same as `person_connectivity`, drawn anew at each scan.
    visit_connectivity : float, default=0.02
        The same, common to everyone scanned at one visit after baseline.
    site_shift : float, default=0.05
        The same, common to a site (and, at a scanner change, to the new scanner).
    site_scale : float, default=0.05
        Spread over sites of the logarithm of unshared noise, which scales all correlations.
    trait_connectivity : float, default=0.0
        Root-mean-square change of loadings for 20 years of a stable trait, in every second parcel.
        The trait is related to age between people and fixed within a person: no visit, effect or
        year moves it, so its planted share is 0.
    trait_sd_years : float, default=10.0
        Spread of the trait around the age at a person's first scan.
    motion : float, default=2.0
        Residual motion artefact (standard deviations of a parcel) in a volume whose framewise
        displacement is 1 mm above the scan's median.
    """

    ageing: float = Field(default=0.05, ge=0)
    person_offset_sd_years: float = Field(default=10.0, ge=0)
    state_sd_years: float = Field(default=1.0, ge=0)
    person_connectivity: float = Field(default=0.15, ge=0)
    person_diffuse: float = Field(default=0.1, ge=0)
    scan_connectivity: float = Field(default=0.05, ge=0)
    visit_connectivity: float = Field(default=0.02, ge=0)
    site_shift: float = Field(default=0.05, ge=0)
    site_scale: float = Field(default=0.05, ge=0)
    trait_connectivity: float = Field(default=0.0, ge=0)
    trait_sd_years: float = Field(default=10.0, ge=0)
    motion: float = Field(default=2.0, ge=0)


class NiftiOptions(Options):
    """Images only: grid, noise and the confounds that cleaning has to remove.

    Parameters
    ----------
    grid_mm : float, default=6.0
        Voxel size.
    thermal_sd_percent : float, default=0.4
        White noise of a voxel, percent of its mean.
    signal_sd_percent : float, default=1.0
        Standard deviation of a parcel's neural signal, percent of the voxel mean.
    confound_sd_percent : float, default=1.5
        Standard deviation of what motion, physiology and drift each add, percent.
    n_dummy_volumes : int, default=2
        Non-steady-state volumes at the start.
    """

    grid_mm: float = Field(default=6.0, ge=2, le=10)
    thermal_sd_percent: float = Field(default=0.4, ge=0)
    signal_sd_percent: float = Field(default=1.0, gt=0)
    confound_sd_percent: float = Field(default=1.5, ge=0)
    n_dummy_volumes: int = Field(default=2, ge=0)


class SyntheticOptions(Options):
    """A reference cohort and a trial with known truth.

    Parameters
    ----------
    depth : {"series", "nifti"}, default="series"
        What `SyntheticStudy.write` writes: parcel series, or fMRIPrep derivatives.
    atlas : str, default="seitzman300"
        Known atlas with coordinates.
    n_parcels : int or None, default=None
        Take only this many parcels, evenly from the atlas's list; None: all.
    n_volumes : int, default=200
        Volumes of a scan.
    t_r_s : float, default=2.0
        Repetition time.
    low_hz : float, default=0.01
        Lower edge of the band of the parcel signals.
    high_hz : float, default=0.1
        Upper edge of that band.
    reference : ReferenceOptions
        Training cohort.
    trial : TrialPlan or None, default=None
        None: no trial.
    difficulty : DifficultyOptions
        Signal and noise.
    nifti : NiftiOptions
        Images only.
    population_seed : int, default=0
        Of the world itself: networks' loadings, ageing directions, sites.
    note : str, default=""
        Printed and written with the truth ("planted effects are 5 times the published ones").

    Examples
    --------
    >>> ba.SyntheticOptions(n_volumes=100, t_r_s=3.0)
    SyntheticOptions(n_volumes=100, t_r_s=3.0)
    """

    depth: Literal["series", "nifti"] = "series"
    atlas: str = "seitzman300"
    n_parcels: int | None = Field(default=None, ge=8)
    n_volumes: int = Field(default=200, ge=20)
    t_r_s: float = Field(default=2.0, gt=0)
    low_hz: float = Field(default=0.01, gt=0)
    high_hz: float = Field(default=0.1, gt=0)
    reference: ReferenceOptions = ReferenceOptions()
    trial: TrialPlan | None = None
    difficulty: DifficultyOptions = DifficultyOptions()
    nifti: NiftiOptions = NiftiOptions()
    population_seed: int = Field(default=0, ge=0)
    note: str = ""

    @model_validator(mode="after")
    def _images_lose_their_end(self) -> Self:
        plan = self.trial
        loses = plan is not None and any(arm.shares_kept for arm in plan.arms)
        if self.depth == "nifti" and plan is not None and loses and plan.loss != "contiguous":
            raise ValueError(
                "trial.loss 'contiguous' with depth 'nifti': which volumes of an image are "
                "censored is for motion and cleaning to say"
            )
        return self

    @model_validator(mode="after")
    def _band_is_seen(self) -> Self:
        nyquist = 0.5 / self.t_r_s
        if not self.low_hz < min(self.high_hz, nyquist):
            raise ValueError(f"low_hz below high_hz and below the Nyquist frequency {nyquist:g}")
        if 2 * (self.high_hz - self.low_hz) * self.n_volumes * self.t_r_s < 12:
            raise ValueError("a band and a duration that leave at least 12 degrees of freedom")
        return self
