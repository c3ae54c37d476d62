"""What the notebooks print does not depend on the processor or the number of threads.

OpenBLAS, torch and numpy choose their code by processor; variables make them choose the code of an older one.
`make test-all` takes the variant furthest from a new machine, but for lesson 11, which trains for seven minutes there;
`make portable` takes all of them.
"""
import itertools
import platform
import subprocess
import sys

import pytest

import notebooks
from nbval_run import compare
from test_nbval import code_cells

CORES = {
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "Prescott": {"OPENBLAS_CORETYPE": "Prescott",
                 "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
}
LONG = "11_lstm"
VARIANTS = [
    pytest.param(path, core, threads, id=f"{path.stem}-{core}-{threads}",
                 marks=[pytest.mark.portable] * ((core, threads) != ("Prescott", "1") or path.stem == LONG))
    for core, threads, path in itertools.product(CORES, "12", notebooks.paths())]

pytestmark = pytest.mark.long
x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="these are x86 processors")


def variant(core, threads):
    """Return the variables which make a run compute as this kind of processor does; other tests need the other cores."""
    return CORES[core] | {"ATEN_CPU_CAPABILITY": "default", "LOKY_MAX_CPU_COUNT": "1",
                          "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}


@x86
@pytest.mark.parametrize("path, core, threads", VARIANTS)
def test_outputs_hold_on_this_processor(path, core, threads):
    run = compare(path, **variant(core, threads))
    assert not run.failed and run.agreed == code_cells(path), run.report


REPORT = """
import numpy as np, threadpoolctl, torch
from numpy.lib.introspect import opt_func_info
blas = [pool for pool in threadpoolctl.threadpool_info() if "numpy" in pool["filepath"]][0]
print(blas["architecture"], blas["num_threads"])
print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())
print("baseline" in opt_func_info("^tanh$", "float64")["tanh"]["dd"]["current"])
x = np.random.default_rng(0).normal(size=(64, 64))
print((x @ x).sum())
"""


def report(core, threads, tmp_path):
    """Return what a process under these variables computes with, and what it gets."""
    environment = notebooks.kernel_environment(tmp_path) | variant(core, threads)
    return subprocess.check_output([sys.executable, "-c", REPORT], env=environment, text=True).splitlines()


@x86
def test_the_variables_take_effect(tmp_path):
    names = {"Haswell": "Haswell", "Prescott": "Katmai"}  # OpenBLAS names the oldest core that runs this code
    products = set()
    for core, threads in itertools.product(CORES, "12"):
        blas, torch, old_loops, product = report(core, threads, tmp_path)
        assert (blas, torch) == (f"{names[core]} {threads}", f"DEFAULT {threads}")
        assert core == "Haswell" or old_loops == "True"
        products.add(product)
    assert len(products) >= len(CORES)
