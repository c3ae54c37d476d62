"""Make the course's virtual environment in .venv, or find at once that it is complete.

    python tools/setup_env.py [test] [browser]     the extras of pyproject.toml to install beside `lab`

A stamp inside .venv is written last and names what was installed, where and for which Python: an environment
without a matching stamp (interrupted, copied, moved, of another Python) is never used, but made again.

Standard library only. No f-strings and no type hints: an old Python must get as far as the sentence about it.
"""
from __future__ import print_function

import errno
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
OLDEST = (3, 11)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
UV_WORDS = {"index-url": "--default-index", "extra-index-url": "--index", "find-links": "--find-links",
            "constraint": "--constraints"}
PIP_ONLY = (  # that change nothing of what is installed
    "config-file", "cache-dir", "no-cache-dir", "timeout", "default-timeout", "retries", "progress-bar",
    "disable-pip-version-check", "root-user-action", "no-input", "quiet", "verbose")
ROOM = "free about 2 GB (8 GB with CUDA) and start again"
CAUSES = (  # the first that what pip said matches
    (r"No space left on device|Disk quota exceeded", "the disk is full: " + ROOM),
    (r"(?m)^ERROR.*(\[Errno 13\]|Permission denied)", "a folder is closed to you: start again as the one who owns "
     "{venv}, or remove it"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError", "the package index shows a certificate that is not known "
     "here: behind a company's proxy name its certificate file, PIP_CERT=/path/to/it.pem, and start again"),
    (r"ProxyError|407 Proxy", "the proxy that HTTPS_PROXY or pip's settings name lets nothing through: set it right, "
     "or take it away, and start again"),
    (r"Retrying \(|NewConnectionError|ConnectTimeout|failure in name resolution", "no package index could be "
     "reached: check the network (behind a proxy set HTTPS_PROXY) and start again"),
)


class SetupError(Exception):
    """What went wrong and what to do about it, in one sentence for the reader."""


def at(*parts):
    """Return a path inside the repository."""
    return os.path.join(ROOT, *parts)


def python_of_venv():
    """Return the path of the interpreter in .venv."""
    return at(".venv", "Scripts", "python.exe") if os.name == "nt" else at(".venv", "bin", "python")


def stamp_path():
    """Return the path of the stamp that a complete environment carries."""
    return at(".venv", "course-stamp.json")


def log_path():
    """Return the path of the file that keeps what pip said."""
    return at(".venv", "setup.log")


def check_python(version, executable):
    """Raise SetupError if this Python is too old for the course."""
    if tuple(version[:2]) < OLDEST:
        raise SetupError(
            "The course needs Python {}.{} or later, but {} is Python {}.{}: install a newer one (python.org "
            "has it for every system) and name it, for example: make lab PYTHON=python3.12".format(
                OLDEST[0], OLDEST[1], executable, version[0], version[1]))


def check_venv_module():
    """Raise SetupError if this Python came without what makes virtual environments (Debian splits it off)."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise SetupError(
            "{} came without its venv module, which makes the course's own environment: on Debian or Ubuntu "
            "run `sudo apt install python{}.{}-venv`, elsewhere install Python from python.org, then start "
            "again.".format(sys.executable, sys.version_info[0], sys.version_info[1]))


def wanted_stamp(extras):
    """Return what the stamp of a complete environment says."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        with open(at(name), "rb") as file:
            digest.update(file.read())
    return {"root": ROOT, "python": list(sys.version_info[:2]), "requirements": digest.hexdigest(),
            "extras": sorted(extras)}


def read_stamp():
    """Return what the stamp says, or {} where there is none that can be read."""
    try:
        with open(stamp_path()) as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp):
    """Write the stamp in one step, so that half a stamp never exists."""
    with open(stamp_path() + ".new", "w") as file:
        json.dump(stamp, file, indent=1)
    os.replace(stamp_path() + ".new", stamp_path())


def runs(version):
    """Say whether the interpreter in .venv still starts and is of this version."""
    try:
        ask = "import sys; print(list(sys.version_info[:2]))"
        said = subprocess.check_output([python_of_venv(), "-c", ask], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    return said.decode().strip() == str(version)


def make_venv():
    """Make an empty .venv in place of whatever is there."""
    made = subprocess.Popen([sys.executable, "-m", "venv", "--clear", at(".venv")],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = made.communicate()[0].decode(errors="replace").strip()
    if made.returncode:
        raise SetupError(
            "{} could not make {} ({}): if the disk is full or the folder read-only, mend that, otherwise "
            "try another Python with make lab PYTHON=...".format(
                sys.executable, at(".venv"), said.splitlines()[-1] if said else "no reason given"))


def why_pip_failed(log):
    """Return the cause and the remedy, in words, of a pip run that ended in an error."""
    python = "{}.{}.{}".format(*sys.version_info[:3])
    other = "take another Python, for example make lab PYTHON=python3.12"
    clash = re.search(r"conflicting dependencies.*?(?:caused by:\n(.*?)\n\n|$)", log, re.DOTALL)
    if clash:
        said = " against ".join((clash.group(1) or "it names none").splitlines())
        return ("versions conflict ({}): if PIP_CONSTRAINT or pip's settings ask for one of them, take that away; if "
                "not, the course's versions do not all allow Python {}: {}".format(said, python, other))
    for words, cause in CAUSES:
        if re.search(words, log):
            return cause.format(venv=at(".venv"))
    missing = re.search(r"No matching distribution found for (\S+)", log)
    if missing and missing.group(1).startswith("torch="):
        return "{} {}".format(missing.group(1), why_no_torch(python, other))
    if missing:
        return "{} is not offered for Python {} on this system: {}".format(missing.group(1), python, other)
    errors = [line for line in log.splitlines() if line.lower().startswith("error")]
    return "it said {!r}".format(errors[0] if errors else "nothing")


def why_no_torch(python, other):
    """Return what pip means by finding no torch for this machine."""
    if sys.platform == "darwin":
        return ("has no build for this Mac: it needs Apple silicon with macOS 14 or later; on another one open the "
                "course in the browser, on Binder or on Colab (README.md says how)")
    if sys.maxsize < 2 ** 32:
        return "has no build for a 32-bit Python, as this one is: install the 64-bit one from python.org"
    if sys.platform.startswith("linux") and platform.libc_ver()[0] != "glibc":
        return "has no build for a Linux without glibc (Alpine is one): take Debian, Ubuntu or Fedora, or their image"
    return "is not offered for Python {} on this system: {}".format(python, other)


def show_doing(line):
    """Write over the last line of a terminal; a log or a pipe gets nothing."""
    if sys.stdout.isatty():
        print("\r  " + line[:76].ljust(76), end="" if line else "\r")
        sys.stdout.flush()


def run_logged(command, environment=None):
    """Run a command, show on one line what it is doing, log all it says; return its exit status and what it said."""
    said = []
    with open(log_path(), "ab") as log:
        log.write(("$ " + " ".join(command) + "\n").encode())
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        try:
            for raw in process.stdout:
                log.write(raw)
                said.append(raw.decode(errors="replace").strip())
                if said[-1].startswith(("Collecting", "Downloading", "Installing", "Resolved", "Prepared")):
                    show_doing(said[-1])
            process.wait()
        finally:
            if process.poll() is None:  # interrupted, or the log has no more room
                process.kill()
            process.stdout.close()
            process.wait()
            show_doing("")
    return process.returncode, "\n".join(said)


def pip_install(*arguments):
    """Run pip in .venv."""
    command = [python_of_venv(), "-m", "pip", "install", "--disable-pip-version-check"]
    status, said = run_logged(command + list(arguments))
    if status:
        raise SetupError("pip could not install the course's packages; {} (what pip said is in {}).".format(
            why_pip_failed(said), log_path()))


def uv_install(*arguments):
    """Run uv in .venv, twice as fast as pip; return whether it did it: where anything is in its way, pip tries."""
    python = python_of_venv()
    asked = subprocess.Popen([python, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    settings, certificate = uv_settings(asked.communicate()[0].decode(errors="replace"))
    if settings is None or asked.returncode:
        return False
    try:
        pip_install("--retries", "1", pinned("uv"))
    except SetupError:
        return False
    # As pip does it: the best version of all indexes, and bytecode, so that no first import warns of another's syntax.
    command = [python, "-m", "uv", "pip", "install", "--python", python, "--index-strategy", "unsafe-best-match",
               "--compile-bytecode"]
    return run_logged(command + settings + list(arguments), dict(os.environ, **certificate))[0] == 0


def uv_settings(listed):
    """Translate what `pip config list` printed into uv's arguments and environment; None if it has no word for it."""
    arguments, environment = [], {}
    for name, value in re.findall(r"^\S+\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
        if name in UV_WORDS:
            for each in value.split():
                arguments += [UV_WORDS[name], each]
        elif name == "cert":
            environment["SSL_CERT_FILE"] = value
        elif name not in PIP_ONLY:
            return None, {}
    return arguments, environment


def has_nvidia_gpu():
    """Say whether an NVIDIA driver is loaded (Linux)."""
    return os.path.exists("/proc/driver/nvidia/version")


def pinned(name):
    """Return the requirement of exactly the version that constraints.txt names."""
    with open(at("constraints.txt")) as file:
        return re.search(r"^{}==\S+".format(name), file.read(), re.MULTILINE).group(0)


def has(requirement):
    """Say whether .venv holds this exact package already, in whatever build (2.13.0+cpu is 2.13.0)."""
    name, version = requirement.split("==")
    ask = "import importlib.metadata as m; print(m.version({!r}))".format(name)
    try:
        said = subprocess.check_output([python_of_venv(), "-c", ask], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    return said.decode().strip().split("+")[0] == version


def install_torch():
    """Install the exact torch: on Linux without an NVIDIA GPU its CPU build, unless TORCH_INDEX says otherwise."""
    print("  torch ...")
    sys.stdout.flush()
    index = os.environ.get("TORCH_INDEX", "")
    # What torch needs comes with the rest: an index of torch builds does not hold our versions of it.
    arguments = ["--no-deps", pinned("torch")]
    if not index and sys.platform.startswith("linux") and not has_nvidia_gpu():
        try:
            return pip_install("--retries", "1", "--timeout", "10", "--index-url", CPU_INDEX, *arguments)
        except SetupError as error:
            if ROOM in str(error):
                raise
            print("  {} gives no CPU build of it: the usual one brings several GB of CUDA libraries.".format(CPU_INDEX))
            sys.stdout.flush()
    return pip_install(*(["--index-url", index] if index not in ("", "cuda") else []) + arguments)


def install(extras):
    """Install torch first, so that nothing else asks for another build of it, then the course and all else."""
    if not has(pinned("torch")):
        install_torch()
    print("  JupyterLab and all else ...")
    sys.stdout.flush()
    course = ["-c", "constraints.txt", "-e", ".[{}]".format(",".join(["lab"] + extras))]
    if not uv_install(*course):
        pip_install(*course)


def set_up(extras):
    """Make .venv hold the course with these extras; return whether there was anything to do."""
    check_python(sys.version_info, sys.executable)
    have, want = read_stamp(), wanted_stamp(extras)
    same_place = all(have.get(key) == want[key] for key in ("root", "python")) and runs(want["python"])
    if same_place:
        want["extras"] = sorted(set(extras) | set(have["extras"]))
        if have == want:
            return False
    check_venv_module()
    os.environ.pop("PYTHONWARNINGS", None)  # where warnings are errors, pip's own end it
    start = time.time()
    print("Setting up the course in .venv with Python {}.{}, once; it takes minutes.".format(*want["python"]))
    sys.stdout.flush()
    if same_place:
        os.remove(stamp_path())
    else:
        make_venv()
    install(want["extras"])
    write_stamp(want)
    print("Set up in {:.0f} s.".format(time.time() - start))
    return True


def main(extras):
    """Set up and return the exit status."""
    try:
        set_up(extras)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
        print("The set-up can't use {}: {}; {}.".format(
            error.filename or at(".venv"), error.strerror or error,
            ROOM if full else "start again as the one who owns the folder, or in a copy of your own"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the next call begins the set-up again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
