"""The clinic: every patient has its symptom, every cure heals, every wrong cure is found out."""
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from course_lib import clinic
from course_lib.clinic import health
from course_lib.exercises import engine
from course_lib.exercises.engine import Cure, judge

CURES = {item.patient: item for item in engine.bank(13).items if isinstance(item, Cure)}
every_cure = pytest.mark.parametrize("cure", CURES.values(), ids=CURES)


def made(source: str, cure: Cure):
    names = {"torch": torch, "nn": torch.nn}  # as in the notebook
    exec(source, names)
    return names[clinic.PATIENTS[cure.patient].name]


def test_each_disease_has_one_patient_and_one_cure():
    assert list(clinic.PATIENTS) == list(clinic.DISEASES) == list(CURES)
    assert len(set(clinic.DISEASES.values())) == 12
    for patient in clinic.PATIENTS.values():
        assert patient.complaint.endswith((".", "?")) and len(patient.part.splitlines()) <= 8


# The update at which a run stops to be finite; None: it never does, and something else is wrong with it.
@pytest.mark.parametrize("number, bad", [("02", 20), ("03", 0), ("04", 0), ("05", 0), ("06", 20), ("10", 0),
                                         ("07", None), ("09", None), ("11", None), ("12", None)])
def test_the_sick_runs_show_their_symptom(number, bad):
    assert clinic.PATIENTS[number].chart.first_nonfinite() == bad


def test_what_the_logs_show():
    charts = {number: patient.chart for number, patient in clinic.PATIENTS.items()}
    assert charts["01"].rows[0].loss < charts["01"].rows[1].loss < charts["01"].rows[2].loss
    assert not math.isfinite(charts["01"].rows[-1].loss)
    assert math.isfinite(charts["05"].rows[0].loss) and math.isfinite(charts["06"].rows[20].loss)
    assert len(charts["07"].rows) == 1 and "second time" in str(charts["07"])
    assert charts["08"].first_nonfinite() is not None and math.isfinite(charts["08"].rows[0].loss)
    gradient = max(p.grad.abs().max().item() for p in charts["09"].names["net"].parameters())
    assert charts["09"].rows[-1].norm == 0 < gradient
    for number in ("11", "12"):
        assert np.mean([row.loss for row in charts[number].rows[-20:]]) > .55


def test_the_nan_of_patient_06_is_spread_by_clipping_alone():
    """Without clipping only weight_ih has a NaN gradient: the finding that the sentence rests on."""
    rnn = torch.nn.RNN(1, 4)
    x = torch.ones(9, 1, 1)
    x[3] = math.inf
    rnn(x)[0][-1].sum().backward()
    assert [name for name, p in rnn.named_parameters() if not p.grad.isfinite().all()] == ["weight_ih_l0"]
    torch.nn.utils.clip_grad_norm_(rnn.parameters(), 1.)
    assert all(p.grad.isnan().all() for p in rnn.parameters())


@every_cure
def test_right_cures_heal(cure):
    for source in (cure.solution, *cure.also_correct):
        verdict = judge(cure, made(source, cure))
        assert verdict.word == "passed", verdict.reason


@every_cure
def test_wrong_cures_are_found_out_each_with_its_own_sentence(cure):
    reasons = []
    for source in cure.wrong:
        verdict = judge(cure, made(source, cure))
        assert verdict.word == "not yet" and not verdict.reason.startswith("It stopped"), verdict.reason
        reasons.append(verdict.reason)
    assert len(reasons) >= 2 and len(set(reasons)) == len(reasons)


@every_cure
def test_the_sick_part_itself_is_not_healthy(cure):
    patient, part = clinic.PATIENTS[cure.patient], made(cure.stub, cure)
    assert [*health.PARTS[cure.patient](patient.chart, part)], "the part's own checks find nothing"
    if patient.chart.error is None:
        assert [*health.run(patient, patient.chart)], "the run as a whole looks healthy"


@every_cure
def test_the_unchanged_part_is_open_and_runs_nothing(cure, monkeypatch):
    monkeypatch.setattr(clinic.Patient, "run", lambda *arguments: pytest.fail("it ran"))
    assert judge(cure, made(cure.stub, cure)).word == "open"


@every_cure
def test_the_name(cure):
    asked = judge(cure, ...)
    assert asked.word == "open" and all(name in asked.reason for name in clinic.DISEASES.values())
    assert judge(cure, clinic.DISEASES[cure.patient].upper() + " ").word == "named"
    assert judge(cure, "bad luck").reason.startswith("'bad luck' is none of the names.")
    assert len(cure.confused) >= 2 and cure.patient not in cure.confused
    for number, sentence in cure.confused.items():
        assert judge(cure, clinic.DISEASES[number]) == ("not yet", sentence, None)
    other = next(number for number in clinic.DISEASES if number not in (*cure.confused, cure.patient))
    assert judge(cure, clinic.DISEASES[other]).word == "not yet"


def test_answers_of_every_kind_are_answered():
    cure = CURES["02"]

    def interrupted(a):
        raise KeyboardInterrupt

    def leaves(a):
        raise SystemExit

    for answer, word, says in [
            (None, "not yet", "Give the function itself"),
            (3., "not yet", "What came is a single number."),
            (lambda: 1, "not yet", "it is called with 1 value: (a)"),
            (lambda a: None, "open", "as it came in"),
            (lambda a: [a], "not yet", "list, needed a tensor"),
            (lambda a: a.missing, "not yet", "AttributeError"),
            (lambda a: torch.zeros(3), "not yet", "needed a tensor of shape (8001,)"),
            (leaves, "not yet", "use return"),
            (interrupted, "stopped", "You stopped it")]:
        verdict = judge(cure, answer)
        assert verdict.word == word and says in verdict.reason, verdict.reason


def test_a_run_leaves_the_random_numbers_and_the_screen_alone(capsys):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    chart = clinic.PATIENTS["07"].run()
    assert torch.equal(before, torch.get_rng_state()) and capsys.readouterr().out == ""
    assert str(chart) == str(clinic.PATIENTS["07"].run())


def test_log_prints_when_a_script_runs_by_itself(capsys):
    clinic.log(3, torch.tensor(.25, requires_grad=True), 1e-3)
    assert capsys.readouterr().out == "update   3   loss 0.25     gradient norm 0.001\n"


def test_admit(capsys):
    clinic.admit("07")
    shown = capsys.readouterr().out
    assert shown.startswith("Patient 07: One update works.") and "def train_step" in shown
    assert shown.endswith("second time (or directly access saved tensors after they have already been freed)\n")
    with pytest.raises(ValueError, match="there is no patient '13'"):
        clinic.admit("13")
