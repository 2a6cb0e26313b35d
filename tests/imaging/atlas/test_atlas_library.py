"""Atlases: names, networks and hemispheres as their makers give them; bad tables are refused."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn import datasets

from brainage.errors import AtlasError, ScanError
from brainage.imaging import AtlasOptions, LabelAtlas, MapAtlas, Scan, check_space, load_atlas


def _labels_image(path: Path, values=(1, 2, 3), dtype=np.int16) -> Path:
    data = np.zeros((4, 4, 4), dtype=dtype)
    data.ravel()[: len(values)] = values
    nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    return path


def _load(image: Path, table: Path | None = None, **choices):
    labels = None if table is None else str(table)
    return load_atlas(AtlasOptions(name="mine", path=str(image), labels=labels, **choices))


def test_seitzman300_has_networks_radii_and_sides_from_its_coordinates():
    atlas = load_atlas("seitzman300")
    source = datasets.fetch_coords_seitzman_2018()
    assert atlas.n_parcels == 300
    assert len(set(atlas.parcel_names)) == 300
    np.testing.assert_array_equal(atlas.radii_mm, source.radius)
    np.testing.assert_array_equal(atlas.coordinates_mm, source.rois[["x", "y", "z"]])
    assert len({n for n in atlas.networks if n}) == 13
    for x, side in zip(atlas.coordinates_mm[:, 0], atlas.hemispheres, strict=True):
        assert side == ("L" if x < 0 else "R" if x > 0 else None)


def test_sphere_atlases_need_no_network():
    assert load_atlas("power264").n_parcels == 264
    dosenbach = load_atlas("dosenbach160")
    assert dosenbach.n_parcels == 160
    assert {"default", "sensorimotor"} <= set(dosenbach.networks)


@pytest.mark.real_data
@pytest.mark.parametrize("n_parcels", [100, 200, 400])
def test_real_schaefer_tian_names_give_network_and_side(real_data, n_parcels):
    folder = real_data / "atlases" / "schaefer_tian_mni2mm"
    stem = f"Schaefer2018_{n_parcels}Parcels_7Networks_order_Tian_Subcortex_S2"
    atlas = _load(folder / f"{stem}_MNI152NLin6Asym_2mm.nii.gz", folder / f"{stem}_label.txt")
    assert atlas.n_parcels == n_parcels + 32
    assert list(atlas.label_values) == list(range(1, n_parcels + 33))
    assert (atlas.parcel_names[0], atlas.hemispheres[0]) == ("aHIP-rh", "R")
    first = atlas.parcel_names.index("7Networks_LH_Vis_1")
    assert first == 32
    assert (atlas.networks[first], atlas.hemispheres[first]) == ("Vis", "L")
    yeo = {"Vis", "SomMot", "DorsAttn", "SalVentAttn", "Limbic", "Cont", "Default"}
    assert {n for n in atlas.networks if n} == yeo
    assert atlas.hemispheres.count("L") == atlas.hemispheres.count("R")


@pytest.mark.real_data
def test_real_aal_takes_its_values_from_the_index_beside_its_names(real_data):
    folder = real_data / "atlases" / "aal116"
    atlas = _load(folder / "aal116MNI.nii.gz", folder / "aal116NodeNames.txt")
    named = dict(zip(atlas.parcel_names, atlas.label_values, strict=True))
    assert atlas.n_parcels == 116
    assert (named["Precentral_L"], named["Vermis_10"]) == (2001, 9170)
    sides = dict(zip(atlas.parcel_names, atlas.hemispheres, strict=True))
    assert (sides["Precentral_L"], sides["Precentral_R"], sides["Vermis_10"]) == ("L", "R", None)


@pytest.mark.real_data
def test_real_power_image_takes_its_communities(real_data):
    folder = real_data / "atlases" / "power264"
    atlas = _load(folder / "power264MNI.nii.gz", folder / "power264NodeNames.txt")
    assert atlas.n_parcels == 264
    assert atlas.networks[0] is None
    assert atlas.networks[atlas.parcel_names.index("Default_mode_110")] == "default"


@pytest.mark.real_data
def test_real_craddock_csv_keeps_gaps_in_its_numbers(real_data):
    folder = real_data / "atlases" / "craddock_cc400"
    atlas = _load(folder / "cc400_roi_atlas.nii.gz", folder / "CC400_ROI_labels.csv")
    assert atlas.n_parcels == 392
    assert atlas.label_values[-1] == 400
    assert atlas.parcel_names[-1] == "400"


def test_the_tables_order_is_the_parcels_order(tmp_path):
    table = tmp_path / "labels.tsv"
    table.write_text("index\tname\tnetwork\n0\tbackground\t\n3\tC\tVis\n1\tA\tn/a\n2\tB\tVis\n")
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), table)
    assert atlas.parcel_names == ("C", "A", "B")
    assert list(atlas.label_values) == [3, 1, 2]
    assert atlas.networks == ("Vis", None, "Vis")


def test_a_named_label_that_the_image_lacks_stays_in_place(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("index,name\n1,A\n2,B\n3,C\n4,D\n")
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), table)
    assert atlas.parcel_names == ("A", "B", "C", "D")


def test_a_colour_table_names_only_what_the_image_has(tmp_path):
    table = tmp_path / "LUT.txt"
    table.write_text(
        "#No. Label Name: R G B A\n0 Unknown 0 0 0 0\n2 Left-Caudate 1 2 3 0\n"
        "1 Right-Caudate 1 2 3 0\n3 Brain-Stem 9 9 9 0\n77 WM 1 1 1 0\n"
    )
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), table)
    assert atlas.parcel_names == ("Left-Caudate", "Right-Caudate", "Brain-Stem")
    assert atlas.hemispheres == ("L", "R", None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "\ufeffindex;name;hemi\r\n1;A a;left\r\n2;B;RH\r\n3;C;both\r\n"),
        ("a.csv", "index\tname\themisphere\n1\tA a\tL\n2\tB\tright\n3\tC\tn/a\n"),
        ("a.tsv", "index,name,hemisphere\n1,A a,L\n2,B,R\n3,C,\n"),
        ("a.txt", "index   name hemisphere\n1  A_a L\n2  B   R\n3  C n/a\n"),
    ],
)
def test_a_tables_cells_are_separated_by_what_is_there_and_sides_have_a_column(
    tmp_path, name, text
):
    (tmp_path / name).write_text(text, newline="")
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), tmp_path / name)
    assert atlas.parcel_names in (("A a", "B", "C"), ("A_a", "B", "C"))
    assert atlas.hemispheres == ("L", "R", None)


@pytest.mark.parametrize(
    "text",
    [
        "1 Left Hippo\n3 C c\n2 Right Hippo\n",
        "1 Left Hippo 1 2 3 0\n3 C c 9 9 9 0\n2 Right Hippo 4 4 4 0\n",
        "1, Left Hippo\n3; C c\n2,Right Hippo\n",
    ],
)
def test_names_with_blanks_follow_their_values(tmp_path, text):
    (tmp_path / "l.txt").write_text(text)
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), tmp_path / "l.txt")
    assert atlas.parcel_names == ("Left Hippo", "C c", "Right Hippo")
    assert list(atlas.label_values) == [1, 3, 2]


def test_the_background_in_a_list_of_names_is_no_parcel(tmp_path):
    (tmp_path / "l.txt").write_text("Background\nA\nB\nROI 1\n")
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), tmp_path / "l.txt")
    assert atlas.parcel_names == ("A", "B", "ROI 1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("index name\n1 A a\n2 B\n3 C\n", "line 2 has more cells.*by tabs"),
        ("index\tname\n1\tA\n2\tB\n", r"no name for label\(s\) \[3\]"),
        ("index\tname\n1\tA\n2\tB\n2\tC\n3\tD\n", "value '2' stands twice"),
        ("index\tname\n1\tA\n2\tA\n3\tD\n", "name 'A' stands twice"),
        ("index\tname\n1\tA\nx\tB\n3\tD\n", "'x' is not a whole number"),
        ("index\tname\n1\tA\n2\n3\tD\n", "line 3 has fewer cells"),
        ("A\nB\n", "expected 3 names"),
        ("", "empty file"),
    ],
)
def test_a_label_table_that_does_not_fit_is_refused(tmp_path, text, words):
    table = tmp_path / "labels.tsv"
    table.write_text(text)
    image = _labels_image(tmp_path / "a.nii.gz")
    with pytest.raises(AtlasError, match=words):
        _load(image, table)


def test_equal_content_has_an_equal_hash_whatever_the_file_is_called(tmp_path):
    one = _load(_labels_image(tmp_path / "a.nii"))
    (tmp_path / "b.nii").write_bytes((tmp_path / "a.nii").read_bytes())
    assert _load(tmp_path / "b.nii").content_hash == one.content_hash
    other = _load(_labels_image(tmp_path / "c.nii", values=(1, 2, 4)))
    assert other.content_hash != one.content_hash


def test_maps_and_fractions_are_told_apart(tmp_path):
    data = np.random.default_rng(0).random((4, 4, 4, 3)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "maps.nii.gz")
    atlas = _load(tmp_path / "maps.nii.gz")
    assert (type(atlas), atlas.n_parcels) == (MapAtlas, 3)
    (tmp_path / "l.tsv").write_text("index\tname\themisphere\n1\tA\tL\n2\tB_R\tn/a\n3\tC\t\n")
    assert _load(tmp_path / "maps.nii.gz", tmp_path / "l.tsv").hemispheres == ("L", "R", None)
    image = _labels_image(tmp_path / "half.nii.gz", values=(0.5, 1), dtype=np.float32)
    with pytest.raises(AtlasError, match="whole numbers as labels, found values such as 0.5"):
        _load(image)


def test_coordinate_table_needs_a_radius_from_somewhere(tmp_path):
    table = tmp_path / "spheres.tsv"
    table.write_text("name\tx\ty\tz\tnetwork\nA\t-10\t0\t5\tDMN\nB\t10\t0\t5\t\n")
    with pytest.raises(AtlasError, match="radius_mm"):
        load_atlas(AtlasOptions(name="own", path=str(table)))
    atlas = load_atlas(AtlasOptions(name="own", path=str(table), radius_mm=6.0))
    assert atlas.parcel_names == ("A", "B")
    assert (atlas.networks, atlas.hemispheres) == (("DMN", None), ("L", "R"))
    assert list(atlas.radii_mm) == [6.0, 6.0]
    table.write_text("X,Y,Z,radius,network\n1,2,3,4,n/a\n")
    atlas = load_atlas(AtlasOptions(name="own", path=str(table), radius_mm=6.0))
    assert (list(atlas.radii_mm), atlas.networks) == ([4.0], (None,))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "expected a row a sphere"),
        ("A\t1\tinf\t3\t5\n", "line 2: a coordinate"),
        ("A\t1\t2\t3\t5\n\t1\t2\t4\t5\n", "line 3: expected a name"),
        ("A\t1\t2\t3\tn/a\n", "line 2: expected a radius above 0 mm"),
    ],
)
def test_a_coordinate_table_that_cannot_be_right_is_refused_with_its_line(tmp_path, rows, words):
    (tmp_path / "s.tsv").write_text("name\tx\ty\tz\tradius_mm\n" + rows)
    with pytest.raises(AtlasError, match=words):
        load_atlas(AtlasOptions(name="own", path=str(tmp_path / "s.tsv")))


def test_an_unknown_atlas_lists_the_known_ones():
    with pytest.raises(AtlasError, match="no atlas 'seitzmann'.*seitzman300"):
        load_atlas("seitzmann")


def test_without_a_network_the_error_says_how_to_do_without(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    monkeypatch.setenv("NILEARN_SHARED_DATA", str(tmp_path))
    with pytest.raises(AtlasError, match="could not fetch.*science.atlas.path"):
        load_atlas("schaefer100")


def test_a_fetched_schaefer_has_names_networks_and_space(monkeypatch, tmp_path):
    # nilearn takes what lies in its folder, so its own fetcher runs without a network.
    folder = tmp_path / "schaefer_2018"
    folder.mkdir()
    values = np.arange(1, 101)
    data = np.zeros((6, 6, 6), dtype=np.int16)
    data.ravel()[:100] = values
    stem = "Schaefer2018_100Parcels_7Networks_order"
    nib.save(nib.Nifti1Image(data, np.eye(4)), folder / f"{stem}_FSLMNI152_1mm.nii.gz")
    nib.save(nib.Nifti1Image(data, np.eye(4)), folder / f"{stem}_FSLMNI152_2mm.nii.gz")
    lines = [f"{v}\t7Networks_{'LH' if v <= 50 else 'RH'}_Vis_{v}\t1\t2\t3\t0" for v in values]
    (folder / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    monkeypatch.setenv("NILEARN_SHARED_DATA", str(tmp_path))
    atlas = load_atlas("schaefer100")
    assert atlas.parcel_names[0] == "7Networks_LH_Vis_1"
    assert (atlas.networks[99], atlas.hemispheres[99]) == ("Vis", "R")
    assert list(atlas.label_values) == list(values)
    assert atlas.space == "MNI152NLin6Asym"


def test_craddock_takes_the_level_nearest_to_the_number_asked_for(monkeypatch, tmp_path):
    folder = tmp_path / "craddock_2012"
    folder.mkdir()
    levels = np.zeros((6, 6, 6, 3), dtype=np.int16)
    for level, n_parcels in enumerate((10, 20, 30)):
        levels[..., level].ravel()[:n_parcels] = 0
        flat = np.zeros(216, dtype=np.int16)
        flat[:n_parcels] = np.arange(1, n_parcels + 1)
        levels[..., level] = flat.reshape(6, 6, 6)
    stems = [
        "scorr05_mean_all",
        "tcorr05_mean_all",
        "scorr05_2level_all",
        "tcorr05_2level_all",
        "random_all",
    ]
    for stem in stems:
        nib.save(nib.Nifti1Image(levels, np.eye(4)), folder / f"{stem}.nii.gz")
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    monkeypatch.setenv("NILEARN_SHARED_DATA", str(tmp_path))
    atlas = load_atlas("craddock19")
    assert (type(atlas), atlas.n_parcels) == (LabelAtlas, 20)


@pytest.fixture
def nilearn_folder(monkeypatch, tmp_path) -> Path:
    """nilearn's own folder, in which a test lays what a download would have left."""
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    monkeypatch.setenv("NILEARN_SHARED_DATA", str(tmp_path))
    return tmp_path


def test_a_fetched_aal_has_its_own_numbers_sides_and_the_template_of_one_brain(nilearn_folder):
    folder = nilearn_folder / "aal_3v2" / "AAL3"
    folder.mkdir(parents=True)
    _labels_image(folder / "AAL3v1.nii", values=(1, 2, 95))
    names = ((1, "Precentral_L"), (2, "Precentral_R"), (95, "Vermis_1_2"))
    labels = "".join(f"<label><index>{v}</index><name>{n}</name></label>" for v, n in names)
    (folder / "AAL3v1.xml").write_text(f"<atlas><data>{labels}</data></atlas>")
    atlas = load_atlas("aal")
    assert atlas.parcel_names == ("Precentral_L", "Precentral_R", "Vermis_1_2")
    assert atlas.hemispheres == ("L", "R", None)
    assert atlas.label_values.tolist() == [1, 2, 95]
    with pytest.raises(ScanError, match="atlas aal is in MNIColin27"):
        check_space(atlas, _scan("MNI152NLin2009cAsym"))


def _maps_image(path: Path, p: int) -> None:
    maps = np.random.default_rng(0).random((4, 4, 4, p)).astype(np.float32)
    nib.save(nib.Nifti1Image(maps, np.eye(4)), path)


def test_a_fetched_difumo_has_names_and_networks(nilearn_folder):
    folder = nilearn_folder / "difumo_atlases" / "64"
    (folder / "2mm").mkdir(parents=True)
    _maps_image(folder / "2mm" / "maps.nii.gz", 64)
    rows = [
        f"{i},Fusiform gyrus RH,{'VisCent' if i < 64 else 'No network found'},VisCentA,0,0,0"
        for i in range(1, 65)
    ]
    header = "Component,Difumo_names,Yeo_networks7,Yeo_networks17,GM,WM,CSF"
    (folder / "labels_64_dictionary.csv").write_text("\n".join([header, *rows]))
    (nilearn_folder / "difumo_atlases" / "README.md").write_text("")
    atlas = load_atlas("difumo64")
    assert (type(atlas), atlas.n_parcels) == (MapAtlas, 64)
    # Several parts of a region have one name; they are told apart.
    assert atlas.parcel_names[:2] == ("Fusiform gyrus RH", "Fusiform gyrus RH_2")
    assert (atlas.networks[0], atlas.networks[63]) == ("VisCent", None)
    assert atlas.hemispheres[:2] == ("R", "R")


def test_a_fetched_msdl_has_names_sides_and_networks(nilearn_folder):
    folder = nilearn_folder / "msdl_atlas" / "MSDL_rois"
    folder.mkdir(parents=True)
    _maps_image(folder / "msdl_rois.nii", 3)
    rows = ["-53,-22,12, L Aud, Aud", "53,-20,10, R Aud, Aud", "0,-60,30, Med DMN, DMN"]
    (folder / "msdl_rois_labels.csv").write_text("\n".join(["x,y,z,name,net name", *rows]))
    atlas = load_atlas("msdl")
    assert atlas.parcel_names == ("L Aud", "R Aud", "Med DMN")
    assert atlas.networks == ("Aud", "Aud", "DMN")
    assert atlas.hemispheres == ("L", "R", None)


def test_a_size_that_an_atlas_does_not_have_is_named_with_those_it_has():
    with pytest.raises(AtlasError, match=r"schaefer450: 'n_rois' must be one of \[100, 200"):
        load_atlas("schaefer450")


def test_spheres_of_a_known_atlas_take_another_radius_and_names_with_networks(tmp_path):
    table = tmp_path / "networks.tsv"
    rows = [f"{i}\tnode{i}\t{'visual' if i % 2 else 'default'}" for i in range(1, 265)]
    table.write_text("\n".join(["index\tname\tnetwork", *rows]))
    atlas = load_atlas(AtlasOptions(name="power264", labels=str(table), radius_mm=4.0))
    assert (atlas.radii_mm == 4.0).all()
    assert atlas.parcel_names[:2] == ("node1", "node2")
    assert atlas.networks[:2] == ("visual", "default")
    table.write_text("\n".join(["index\tname\tnetwork", *reversed(rows)]))
    with pytest.raises(AtlasError, match="1 to 264 in their order"):
        load_atlas(AtlasOptions(name="power264", labels=str(table)))


@pytest.mark.real_data
def test_real_power_communities_name_the_spheres_of_power264(real_data):
    folder = real_data / "atlases" / "power264"
    atlas = load_atlas(AtlasOptions(name="power264", labels=str(folder / "power264NodeNames.txt")))
    assert len({network for network in atlas.networks if network}) == 13
    image = nib.load(folder / "power264MNI.nii.gz")
    # The same order: most spheres' centres lie in the image's node of that number.
    data = np.asarray(image.dataobj)
    at = np.linalg.inv(image.affine) @ np.c_[atlas.coordinates_mm, np.ones(264)].T
    found = data[tuple(np.rint(at[:3]).astype(int))]
    assert (found == np.arange(1, 265)).mean() > 0.9


def _scan(space: str | None) -> Scan:
    return Scan("01", "n/a", "n/a", "rest", space, Path("bold.nii.gz"), None, None)


def test_another_space_is_refused_unless_allowed_by_name(tmp_path):
    atlas = _load(_labels_image(tmp_path / "a.nii.gz"), space="MNI152NLin6Asym")
    check_space(atlas, _scan("MNI152NLin6Asym"))
    with pytest.raises(ScanError, match=r"allow_spaces: \[MNI152NLin2009cAsym\]"):
        check_space(atlas, _scan("MNI152NLin2009cAsym"))
    check_space(atlas, _scan("MNI152NLin2009cAsym"), ("MNI152NLin2009cAsym",))


def test_a_native_scan_is_refused_by_an_atlas_of_any_template(tmp_path):
    with pytest.raises(ScanError, match="space native"):
        check_space(load_atlas("seitzman300"), _scan("native"))
    check_space(load_atlas("seitzman300"), _scan("MNI152NLin2009cAsym"))
    with pytest.raises(ScanError, match=r"allow_spaces: \[MNIInfant\+1\]"):
        check_space(load_atlas("seitzman300"), _scan("MNIInfant+1"))


def test_an_option_that_the_atlas_does_not_read_is_refused(tmp_path):
    image = str(_labels_image(tmp_path / "a.nii.gz"))
    with pytest.raises(AtlasError, match="radius_mm: own has no spheres"):
        load_atlas(AtlasOptions(name="own", path=image, radius_mm=5.0))
    table = tmp_path / "s.tsv"
    table.write_text("name\tx\ty\tz\nA\t1\t2\t3\n")
    options = AtlasOptions(name="own", path=str(table), radius_mm=5.0, labels=str(table))
    with pytest.raises(AtlasError, match="labels: .*s.tsv names its parcels itself"):
        load_atlas(options)
