#!/usr/bin/env python3
"""Is a line JSON? lintel and Python must agree, over many damaged documents, the same in every run."""
import json, os, random, re, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import case, done, lintel

SEEDS = [
    '{"process":{"args":["a\\n\\u00e9",-1.5e2,true,null,{}],"pid":12},"x":[[],{"y":"\\\\"}]}',
    '{"a":1,"b":-0.0,"c":1e-3,"d":[1,2,3],"e":{"f":{"g":"\\ud83d\\ude00"}}}',
    ' { "k" : [ true , false , null ] , "": "" } ',
    '{"_source":{"a":{"b":[{"c":1},{"c":[2]}]}},"z":"\u20ac\U0001f600"}',
]
PIECES = ['{', '}', '[', ']', ',', ':', '"', '\\', '\\u', '\\ud800', '0', '1', '-', '+', '.', 'e', 'E9', 'true', 'nul', ' ', '\t',
          '\x01', '\x7f', '\u00e9', '""', '"a":1', '{}', '[]', '00', 'NaN', '/', "'"]
MUTANTS = 30000


def refuse(text):
    raise ValueError(text)


def python_accepts(line):
    """Python takes NaN and Infinity, which are not JSON, and knows no bound on depth; ours is far away."""
    try:
        return isinstance(json.loads(line.decode("utf-8"), parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


def mutate(rng, text):
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + rng.randrange(1, 4):]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[at + 1:]
        else:
            end = rng.randrange(len(text) + 1)
            text = text[:at] + text[min(at, end):end] + text[at:]
    line = bytearray(text.encode("utf-8", "surrogatepass"))
    if line and rng.randrange(20) == 0:
        line[rng.randrange(len(line))] = rng.randrange(256)
    return bytes(line).replace(b"\n", b" ").replace(b"\r", b" ")


with case("lintel accepts the lines that Python accepts and no other"):
    rng = random.Random(20260105)
    lines = sorted({mutate(rng, rng.choice(SEEDS)) for _ in range(MUTANTS)})
    lines = [line for line in lines if line.strip(b" \t") and not line.startswith(b"\xef\xbb\xbf")]
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as f:
        f.write(b"\n".join(lines) + b"\n")
        f.flush()
        p = lintel("query", "any where true", f.name)
        want = [line for line in lines if python_accepts(line)]
        got = set(p.out.encode("utf-8", "surrogateescape").splitlines())
    assert len(want) > 1000 and len(lines) - len(want) > 1000, (len(want), len(lines))
    wrong = [line for line in lines if (line in got) != python_accepts(line)]
    assert not wrong, (len(wrong), wrong[:5])
    refused = re.search(r"(\d+) input lines that are not a JSON object", p.err)
    assert refused and int(refused.group(1)) == len(lines) - len(want), (p.err[-300:], len(lines) - len(want))
done()
