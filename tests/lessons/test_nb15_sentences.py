"""The patients at other seeds than the one that the lesson shows: sick, healed by each right cure, by no wrong one."""
import pytest

torch = pytest.importorskip("torch")

from course_lib.exercises.bank import bank_of
from course_lib.lessons.nb15_the_clinic import clinic, health

pytestmark = pytest.mark.long
CURES = bank_of(15).items
SEEDS = (11, 12)


def made(source, cure):
    names = {"torch": torch, "nn": torch.nn}
    exec(source, names)
    return names[clinic.PATIENTS[cure.patient].name]


@pytest.mark.parametrize("cure", CURES, ids=lambda cure: cure.patient)
def test_at_other_seeds(cure):
    patient = clinic.PATIENTS[cure.patient]
    for seed in SEEDS:
        assert sick(patient, seed), seed
        found = health.complaints(patient, made(cure.solution, cure), seed)
        assert all(isinstance(each, health.Price) for each in found), (seed, found)


# In the others the part alone is refused, which hangs on no seed.
WRONG = [(cure.patient, made(source, cure), 12) for cure in CURES if clinic.PATIENTS[cure.patient].whole
         for source in cure.wrong]
WRONG.append(("18", [("int(torch.randint(3, 15, ()))", "3")], 2))  # on fresh data its net is near the log's bound


@pytest.mark.parametrize("number, change, seed", WRONG)
def test_no_wrong_cure_is_healthy_at_another_seed(number, change, seed):
    try:
        found = health.complaints(clinic.PATIENTS[number], change, seed)
    except RuntimeError as error:
        found = [str(error)]
    assert any(not isinstance(each, health.Price) for each in found)


def sick(patient, seed):
    """Whether the script as it came in is sick: an error, a bad run, or a bad net."""
    chart = patient.run(seed=seed)
    with clinic.ordinary():
        return chart.error or [*health.run(patient, chart)] or patient.whole and [*health.fresh(patient, chart)]
