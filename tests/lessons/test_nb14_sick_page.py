"""The page for a network that is sick now: what it says of a patient of the clinic is what the microscope says of it."""

import re
from pathlib import Path

import nbformat
import pytest
import torch

from course_lib import watch
from course_lib.lessons.nb15_the_clinic import clinic

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "14_your_own_network.ipynb"
PAGE = next(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.id == "sick")
ROWS = [[part.strip() for part in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")][2:]
NAMED = [(number, re.search("`(.*?)`", says)) for _, _, says, _, patients in ROWS
         for number in re.findall(r"\d\d", patients)]


def test_every_patient_of_the_clinic_that_has_a_recurrent_module_is_on_it():
    assert all(len(row) == 5 for row in ROWS)
    elsewhere = re.findall(r"\d\d", PAGE.partition("What-the-logs-had-in-common")[2]) + ["02"]  # 02 has no nn.RNN
    assert sorted([number for number, _ in NAMED] + elsewhere) == list(clinic.PATIENTS)


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("number, says", [pair for pair in NAMED if pair[1]], ids=lambda value: str(value)[:2])
def test_the_microscope_says_of_a_patient_what_the_page_says(number, says):
    flow = clinic.PATIENTS[number].watch()
    assert says[1] in str(flow.first_nonfinite() or flow.verdict())


def test_the_norm_of_patient_09_is_not_0():
    assert [number for number, says in NAMED if not says] == ["01", "09"]
    flow = clinic.PATIENTS["09"].watch()
    clipper = watch.Clipper(flow.net, float("inf"))
    with torch.enable_grad():
        assert flow["0"].norms()[-1].max() > 0 and clipper().norm > 0


def test_the_first_updates_of_patient_01_are_as_large_as_its_weights():
    assert max(clinic.PATIENTS["01"].watch().update_ratio().values()) > .9
