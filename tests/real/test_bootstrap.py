"""scripts/bootstrap.sh: says what it will do, does nothing when all is there, starts and enables no service."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = (
    "awk",
    "basename",
    "bash",
    "cat",
    "cut",
    "dirname",
    "env",
    "grep",
    "head",
    "id",
    "mktemp",
    "rm",
    "sh",
    "sha256sum",
)
TOOLS += ("sort", "tr", "uname")
PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "amtool", "prometheus-node-exporter", "restic")
DEBIAN = ROOT / "scripts" / "debian-packages.sh"
PACKAGE = "prometheus-node-exporter"  # the smallest of the three; all have a unit and an init script


def clone(folder: Path, *, python_ready: bool) -> Path:
    """Make what the script reads of a repository; `python_ready` gives it a .venv that looks finished."""
    for name in ("scripts/bootstrap.sh", "scripts/debian-packages.sh", "requirements/dev.txt", "pyproject.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    if python_ready:
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "python").touch(mode=0o755)
        text = f"{folder}\n".encode() + b"".join(
            (folder / n).read_bytes() for n in ("requirements/dev.txt", "pyproject.toml")
        )
        (folder / ".venv" / ".bongsu-stamp").write_text(hashlib.sha256(text).hexdigest() + "\n")
    folder.chmod(0o755)
    return folder


def path_with(folder: Path, *programs: str) -> str:
    """Return a PATH of the script's tools and of stand-ins for `programs`, nothing else."""
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool, path="/usr/bin:/bin")
        assert found is not None, tool
        (folder / tool).symlink_to(found)
    for program in programs:
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    return str(folder)


def bootstrap(root: Path, path: str, *options: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    argv = [*prefix, str(root / "scripts" / "bootstrap.sh"), *options]
    return subprocess.run(argv, env={"PATH": path, "HOME": str(root)}, capture_output=True, text=True, check=False)


def test_it_does_nothing_in_no_time_when_all_is_there(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", *PROGRAMS)
    began = time.monotonic()
    done = bootstrap(root, path)
    assert (done.returncode, done.stdout) == (0, "bootstrap: all is there\n")
    assert time.monotonic() - began < 1


def test_a_check_only_says_what_is_missing(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=False), path_with(tmp_path / "bin", "prometheus", "promtool")
    done = bootstrap(root, path, "--check")
    assert done.returncode == 1
    assert "missing programs: alertmanager amtool node_exporter" in done.stdout
    assert ".venv: the packages of requirements/dev.txt" in done.stdout
    assert not (root / ".venv").exists()


@pytest.mark.parametrize("changed", ["requirements/dev.txt", "pyproject.toml"])
def test_a_changed_lock_is_noticed(tmp_path: Path, changed: str) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", *PROGRAMS)
    with (root / changed).open("a") as file:
        file.write("\n")
    assert bootstrap(root, path, "--check").returncode == 1


def test_a_moved_clone_is_noticed(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", *PROGRAMS)
    assert bootstrap(root.rename(tmp_path / "elsewhere"), path, "--check").returncode == 1


def test_python_only_leaves_the_programs_out(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin")
    assert bootstrap(root, path, "--python-only").stdout == "bootstrap: all is there\n"


def test_without_apt_and_brew_it_names_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", "prometheus", "promtool")
    done = bootstrap(root, path)
    assert done.returncode == 3
    assert "missing: alertmanager amtool node_exporter" in done.stderr
    assert "scripts/debian-packages.sh prometheus-alertmanager prometheus-node-exporter" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as somebody else")
def test_without_root_and_sudo_it_names_what_is_missing_and_installs_nothing() -> None:
    nobody = (shutil.which("setpriv") or "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folder is closed to others
        Path(folder).chmod(0o755)
        root = clone(Path(folder) / "r", python_ready=True)
        done = bootstrap(root, path_with(Path(folder) / "bin", "apt-get"), prefix=nobody)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "neither root nor has it sudo" in done.stdout
    assert "missing: prometheus promtool alertmanager amtool node_exporter" in done.stderr


@pytest.mark.parametrize("browser", ["chromium", "chromium-browser", "google-chrome"])
def test_any_chromium_will_do_for_the_tests_of_the_page(tmp_path: Path, browser: str) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", *PROGRAMS, browser)
    assert bootstrap(root, path, "--browser").stdout == "bootstrap: all is there\n"


def test_chromium_is_missed_only_by_the_tests_of_the_page(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", *PROGRAMS)
    assert bootstrap(root, path).returncode == 0
    done = bootstrap(root, path, "--browser")
    assert done.returncode == 3
    assert "missing: chromium" in done.stderr
    assert "scripts/debian-packages.sh chromium fonts-nanum" in done.stderr
    assert "CHROMIUM=/path/to/it" in done.stderr


def test_a_wrong_option_is_a_usage_error(tmp_path: Path) -> None:
    root, path = clone(tmp_path / "r", python_ready=True), path_with(tmp_path / "bin", *PROGRAMS)
    done = bootstrap(root, path, "--nonsense")
    assert (done.returncode, "usage: scripts/bootstrap.sh" in done.stderr) == (2, True)


# The real installation, in a throwaway overlay of the whole system with its own processes: nothing of it stays.
SANDBOX = """
set -e
o={folder}
mount -t tmpfs tmpfs $o
mkdir $o/upper $o/work $o/root
mount -t overlay overlay -o lowerdir=/,upperdir=$o/upper,workdir=$o/work $o/root
mount -t proc proc $o/root/proc
mount --bind /dev $o/root/dev
mount -t tmpfs tmpfs $o/root/run
exec chroot $o/root sh -c "$1"
"""
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash", "-c")
INSTALL = """
exec 2>&1
dpkg --purge --force-all {package} >/dev/null 2>&1
rm -f /sbin/runlevel
printf '#!/bin/sh\\necho N 2\\n' >/sbin/runlevel; chmod 755 /sbin/runlevel  # as on a machine that has booted
rm -f /usr/sbin/policy-rc.d
userdel prometheus 2>/dev/null; groupdel prometheus 2>/dev/null
cp /etc/passwd /passwd-before; cp /etc/group /group-before
{as_before}
bash {script} {package} || exit 9
cmp /etc/passwd /passwd-before && cmp /etc/group /group-before && echo USERS AS BEFORE
ls /usr/sbin/policy-rc.d* 2>/dev/null
echo ENABLED $(ls -d /etc/rc?.d/S*prometheus* /etc/systemd/system/*.wants/prometheus* 2>/dev/null)
echo RUNNING $(grep -lsz '^/usr/bin/prometheus' /proc/[0-9]*/cmdline)
command -v {package}
"""
POLICY = """
exec 2>&1
p=/usr/sbin/policy-rc.d
rm -f $p
{before}
mkdir /stub
printf '#!/bin/sh\\n%s\\n' '{apt}' >/stub/apt-get
chmod 755 /stub/apt-get
PATH=/stub:$PATH bash {script} prometheus >/dev/null
{after}
cat /said
for f in $p*; do [ ! -e $f ] || {{ echo $f; cat $f; }}; done
"""
OWN = 'printf "#!/bin/sh\\nexit 104\\n" >$p; chmod 755 $p'
ASK = "for s in prometheus ssh; do /usr/sbin/policy-rc.d $s start; echo $s $?; done >>/said"


def sandbox(folder: Path, command: str) -> list[str]:
    """Return the lines a shell script prints in the sandbox; skip where this machine cannot have one."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("needs root on Debian or Ubuntu")
    script = textwrap.dedent(SANDBOX).format(folder=folder)
    if (tried := subprocess.run([*UNSHARE, script, "sandbox", "true"], capture_output=True, check=False)).returncode:
        pytest.skip(f"no overlay of this system: {tried.stderr.decode().strip()[-200:]}")
    done = subprocess.run([*UNSHARE, script, "sandbox", command], capture_output=True, text=True, check=False)
    if done.returncode and ("Failed to fetch" in done.stdout or "Unable to locate" in done.stdout):
        pytest.skip("the package mirror does not answer")
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.strip() for line in done.stdout.splitlines() if not line.startswith("bootstrap: ")]


@pytest.mark.timeout(200)
def test_a_debian_package_starts_no_service_leaves_none_enabled_and_no_user(tmp_path: Path) -> None:
    lines = sandbox(tmp_path, INSTALL.format(package=PACKAGE, script=DEBIAN, as_before=""))
    assert lines == ["USERS AS BEFORE", "ENABLED", "RUNNING", f"/usr/bin/{PACKAGE}"]


@pytest.mark.timeout(200)
@pytest.mark.long
def test_a_user_that_was_there_before_stays(tmp_path: Path) -> None:
    had = "useradd --system prometheus; cp /etc/passwd /passwd-before; cp /etc/group /group-before"
    lines = sandbox(tmp_path, INSTALL.format(package=PACKAGE, script=DEBIAN, as_before=had))
    assert lines[0] == "USERS AS BEFORE"


@pytest.mark.parametrize(("before", "others"), [("", "0"), (OWN, "104")], ids=["none", "own"])
def test_while_apt_works_only_our_services_are_forbidden_and_then_all_is_as_before(
    tmp_path: Path, before: str, others: str
) -> None:
    lines = sandbox(tmp_path, POLICY.format(before=before, apt=ASK, after="", script=DEBIAN))
    kept = ["/usr/sbin/policy-rc.d", "#!/bin/sh", "exit 104"] if before else []
    assert lines == ["prometheus 101", f"ssh {others}", *kept]


def test_a_run_that_was_killed_forbids_nothing_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    killed = POLICY.format(before=OWN, apt="kill -9 $PPID; sleep 1", after=f"{ASK}; {{again}}", script=DEBIAN)
    again = f'printf "#!/bin/sh\\n" >/stub/apt-get; PATH=/stub:$PATH bash {DEBIAN} prometheus >/dev/null'
    lines = sandbox(tmp_path, killed.replace("{again}", again))
    assert lines[-5:] == ["prometheus 104", "ssh 104", "/usr/sbin/policy-rc.d", "#!/bin/sh", "exit 104"]
