#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write every rule file below a directory as one C file, for src/rule/rule_pack.c.

usage: embed_rules.py RULES_DIR OUTPUT.c DEPFILE

The dependency file names the directories too, so that adding or removing a rule rebuilds.
"""
import os
import sys


def literal(line):
    """A C string literal of one line of bytes."""
    out = []
    for byte in line:
        char = chr(byte)
        if char == "\n":
            out.append("\\n")
        elif char in '"\\?':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append("\\%03o" % byte)
    return '"%s"' % "".join(out)


def main():
    top, output, depfile = sys.argv[1:]
    parent = os.path.dirname(os.path.abspath(top))
    files, depends = [], []
    for directory, names, entries in os.walk(top):
        names.sort()
        depends.append(directory)
        for entry in sorted(entries):
            if entry.endswith(".toml"):
                files.append(os.path.join(directory, entry))
    files.sort()
    with open(output, "w") as out:
        out.write('#include "rule/rule_internal.h"\n\n')
        for i, path in enumerate(files):
            with open(path, "rb") as file:
                lines = file.read().splitlines(keepends=True)
            out.write("static const char text_%d[] =\n" % i)
            out.write("\n".join("\t" + literal(line) for line in lines) or '\t""')
            out.write(";\n\n")
        out.write("const struct rule_pack_file rule_pack[] = {\n")
        for i, path in enumerate(files):
            name = os.path.relpath(os.path.abspath(path), parent)
            out.write("\t{%s, text_%d, sizeof(text_%d) - 1},\n" % (literal(name.encode()), i, i))
        if not files:
            out.write("\t{NULL, NULL, 0},\n")
        out.write("};\nconst size_t rule_pack_count = %d;\n" % len(files))
    with open(depfile, "w") as out:
        escaped = [p.replace(" ", "\\ ") for p in depends + files]
        out.write("%s: %s\n" % (output.replace(" ", "\\ "), " ".join(escaped)))


if __name__ == "__main__":
    main()
