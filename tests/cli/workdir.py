"""A directory of the test's own, gone at its end, and files in it."""
import os, tempfile

work = tempfile.TemporaryDirectory(prefix="lintel-cli-")


def path(name):
    return os.path.join(work.name, name)


def write(name, content):
    with open(path(name), "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    return path(name)
