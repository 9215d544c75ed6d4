"""TAP for the tests that drive the binary: `with case("name"): assert ...`; `done()` at the end.

A case fails by any exception; the assertion's text and the last command run are printed as comments.
"""
import contextlib, os, resource, subprocess, sys, traceback

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINTEL = os.environ.get("LINTEL", os.path.join(TOP, "build", "lintel"))
SECONDS_MAX = 120

_count = _failed = 0
_last = None


class Skip(Exception):
    """Raised inside a case with the reason."""


@contextlib.contextmanager
def case(name):
    global _count, _failed
    _count += 1
    try:
        yield
        print("ok %d - %s" % (_count, name), flush=True)
    except Skip as reason:
        print("ok %d - %s # SKIP %s" % (_count, name, reason), flush=True)
    except Exception:
        _failed += 1
        print("not ok %d - %s" % (_count, name), flush=True)
        text = traceback.format_exc()
        if _last is not None:
            text += "last: %s\nexit status %s\nstdout: %.2000s\nstderr: %.2000s\n" % (
                _last.args, _last.returncode, _last.stdout, _last.stderr)
        print("".join("# %s\n" % l for l in text.splitlines()), flush=True)


def done():
    print("1..%d" % _count, flush=True)
    sys.exit(1 if _failed else 0)


def lintel(*argv, stdin=None, descriptors=None, user=None, timeout=SECONDS_MAX, env=None):
    """Run the binary. A death by signal is an AssertionError whatever the test looks at."""
    global _last

    def limit():
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        if user is not None:
            os.setgid(user)
            os.setuid(user)

    _last = subprocess.run([LINTEL, *argv], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=timeout, preexec_fn=limit if descriptors or user is not None else None,
                           env=dict(os.environ, **env) if env else None)
    _last.out = _last.stdout.decode("utf-8", "replace")
    _last.err = _last.stderr.decode("utf-8", "replace")
    assert _last.returncode >= 0, "killed by signal %d" % -_last.returncode
    assert "AddressSanitizer" not in _last.err and "runtime error" not in _last.err, _last.err[-3000:]
    return _last
