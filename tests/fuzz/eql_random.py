"""Random well-typed EQL queries, with small sets of events that they often match.

    pair = Pair(random.Random(seed))
    pair.query      a tree; query_text(pair.query) is EQL
    pair.events     list of JSON objects

A condition is a tree of ("and"|"or", [tree...]), ("not", tree), ("truth", tree, "true"|"false") and
("leaf", text). Leaves are made around a *witness*: one of the events, whose values become literals,
lists and patterns, so that a fair part of all queries match something. A sequence's stages have
witnesses in the order of their times.

Blanks in texts are BLANK until query_text() puts blanks, line breaks or comments there.
"""
import copy, json, re

BLANK = "\x00"

# name as a query writes it, path in JSON, type, kind of values. "known" fields have a type in
# fields.def, all others are untyped.
FIELDS = [
    ("s1", "s1", "string"), ("obj.name", "obj.name", "string"), ("a.b.c", "a.b.c", "string"),
    ("`odd name`.x", "odd name.x", "string"), ("`my.file`.`sequence`", "my.file.sequence", "string"),
    ("process.name", "process.name", "string"), ("process.args", "process.args", "string"),
    ("user.name", "user.name", "string"),
    ("n1", "n1", "int"), ("obj.count", "obj.count", "int"), ("process.pid", "process.pid", "int"),
    ("nz", "nz", "nonzero"),
    ("d1", "d1", "double"), ("a.b.d", "a.b.d", "double"),
    ("flag", "flag", "bool"), ("process.interactive", "process.interactive", "bool"),
    ("destination.ip", "destination.ip", "ip"), ("addr", "addr", "ip"),
    ("mix", "mix", "mix"), ("obj.mix", "obj.mix", "mix"),
    ("num_text", "num_text", "numtext"), ("hex_text", "hex_text", "hextext"),
]
# Join keys: one type each, few values, so that they meet.
KEYS = [("user.id", "user.id", "key"), ("host.id", "host.id", "key"), ("k", "k", "key"), ("obj.k", "obj.k", "key"),
        ("nk", "nk", "intkey"), ("process.ppid", "process.ppid", "intkey")]
CATEGORIES = ["process", "file", "network"]
ACTIONS = ["exec", "fork", "end"]

STRINGS = ["", "a", "A", "b", "ab", "Ab", "abc", "ba", "sh", "bash", "curl", "/bin/sh", "/usr/bin/curl", "/tmp/a b", "a*b", "a?b", "*",
           "x\"y", "back\\slash", "two\nlines", "tab\t", "-c", "-i", "é", "日本", "naïve", "null", "true", "10", "a.b", "[x]", "ab" * 20]
UPPER = ["É", "Öl", "NAÏVE"]
ASTRAL = ["😀", "a😀b", "𝒳y"]
INTS = [0, 1, 2, 3, 5, 7, -1, -2, -7, 10, 22, 100, 1000]
DOUBLES = [0.0, 0.5, 1.0, 2.5, -1.5, -0.25, 3.0, 10.75, 100.0]
ADDRESSES = ["10.0.0.1", "10.1.2.3", "192.168.1.77", "127.0.0.1", "8.8.8.8", "::1", "fe80::1", "2001:db8::8"]
RANGES = ["10.0.0.0/8", "10.0.0.0/24", "10.1.2.9/16", "192.168.0.0/16", "127.0.0.1", "8.8.8.8/32", "::1", "fe80::/10", "2001:db8::/32"]
MIXED = ["5", "5.0", "abc", "true", "-2", "", "7x", 5, 7, -2, 2.5, 5.0, True, False]
NUMBER_TEXTS = ["0", "5", "-7", "12", "2.5", "-0.5", " 5 ", "100"]
HEX_TEXTS = ["0x1f", "0XA", "ff", "7", "0x10"]
START_MS = 1700000000000


def string_literal(rng, s):
    """Any of the spellings of a string."""
    if rng.random() < 0.25 and not re.search(r'["\r\n]', s):
        return '"""' + s + '"""'
    out = []
    for c in s:
        if c in '"\\':
            out.append("\\" + c)
        elif c == "\n":
            out.append(rng.choice(["\\n", "\\u000a", "\\u{0a}"]))
        elif c == "\t":
            out.append(rng.choice(["\\t", "\t"]))
        elif rng.random() < 0.03:
            out.append("\\u{%04x}" % ord(c))
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def literal(rng, v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str):
        return string_literal(rng, v)
    text = repr(abs(v))
    if isinstance(v, float) and v == int(v) and rng.random() < 0.3:
        text = rng.choice(["%d." % abs(v), "%de0" % abs(v), "%d.00" % abs(v)])
    elif isinstance(v, float) and text.startswith("0.") and rng.random() < 0.3:
        text = text[1:]
    return ("-" if v < 0 else "") + text


class Pair:
    def __init__(self, rng, holds=None):
        """`holds(condition text, event)` says whether a condition fits its witness; conditions that do are preferred."""
        self.rng = rng
        self.holds = holds
        # Python folds case by Unicode, lintel only ASCII letters; Python counts code points,
        # lintel UTF-16 units. So these strings stay away from what would show it.
        self.upper = rng.random() < 0.08
        self.astral = not self.upper and rng.random() < 0.08
        self.strings = STRINGS + (UPPER if self.upper else []) + (ASTRAL if self.astral else [])
        self.is_sequence = rng.random() < 0.5
        self.tiebreaker = rng.choice([None, "tb", "event.sequence"])
        self.many_keys = rng.random() < 0.15
        # A date field against ISO text is only the same in both where it holds a number.
        self.time_numbers = rng.random() < 0.4
        self.fields = rng.sample(FIELDS, rng.randrange(3, 9))
        self.events = self.make_events()
        self.query = self.make_sequence() if self.is_sequence else self.make_event_query()
        self.size = rng.choice([None, None, None, 0, 1, 2, 5, 50]) if not self.many_keys else None
        self.reload = self.tolerance = None
        self.way = rng.choice(["run", "run", "stream", "machine"])
        if self.query["pipes"] or self.size is not None or (self.way == "machine" and not self.is_sequence):
            self.way = "run"
        if self.way == "machine":
            self.reload = rng.randrange(len(self.events))
        elif self.way == "stream":
            self.tolerance = self.disorder()

    def disorder(self):
        """By how much an event is earlier than one before it, in milliseconds, at most."""
        latest, most = self.ms[0], 0
        for ms in self.ms:
            latest = max(latest, ms)
            most = max(most, latest - ms)
        return most

    # ---- events

    def scalar(self, kind):
        pool = {"string": self.strings, "int": INTS, "nonzero": [i for i in INTS if i], "double": DOUBLES, "bool": [True, False],
                "ip": ADDRESSES, "mix": MIXED, "numtext": NUMBER_TEXTS, "hextext": HEX_TEXTS,
                "key": ["k1", "k2", "K1", ""], "intkey": [1, 2, -1]}[kind]
        if kind in ("key", "intkey") and self.rng.random() < 0.7:
            return pool[0]
        return self.rng.choice(pool)

    def field_value(self, kind, many):
        rng = self.rng
        r = rng.random()
        if kind in ("key", "intkey"):
            if r < 0.06:
                return rng.choice([None, [], [None]])
            if many and r < 0.4:
                return [self.scalar(kind) for _ in range(rng.randrange(1, 4))]
            return self.scalar(kind)
        if r < 0.08:
            return rng.choice([None, [], [None], [[]]])
        if r < 0.28:
            values = [self.scalar(kind) for _ in range(rng.randrange(1, 4))]
            if rng.random() < 0.2:
                values.insert(rng.randrange(len(values) + 1), None)
            if rng.random() < 0.15:
                values = [values[:1], values[1:]]
            return values
        return self.scalar(kind)

    def put(self, event, path, value):
        """Dotted, nested, or as objects in an array."""
        rng = self.rng
        if "." not in path or rng.random() < 0.3:
            event[path] = value
            return
        *parents, last = path.split(".")
        at = event
        for part in parents:
            if not isinstance(at.setdefault(part, {}), dict):
                event[path] = value     # what is there already is no object: dotted, then
                return
            at = at[part]
        if rng.random() < 0.1 and not at and isinstance(value, list) and value and len(parents) == 1:
            event[parents[0]] = [{last: v} for v in value]
        else:
            at[last] = value

    def timestamp(self, ms):
        if self.time_numbers or self.rng.random() < 0.5:
            return ms
        if self.rng.random() < 0.1:
            return str(ms)
        seconds, rest = divmod(ms - START_MS, 1000)
        return "2023-11-14T22:%02d:%02d.%03d%s" % (13 + (20 + seconds) // 60, (20 + seconds) % 60, rest, self.rng.choice(["Z", "+00:00"]))

    def make_event(self, ms, number):
        rng = self.rng
        event = {"@timestamp": self.timestamp(ms)}
        if rng.random() < 0.97:
            category = rng.choice(CATEGORIES)
            if rng.random() < 0.1:
                category = [category, rng.choice(CATEGORIES)]
            self.put(event, "event.category", category)
        self.put(event, "event.action", rng.choice(ACTIONS))
        if self.tiebreaker and rng.random() < 0.9:
            self.put(event, self.tiebreaker, rng.choice([number, rng.randrange(-1, 4)]))
        for _, path, kind in self.fields:
            if rng.random() < 0.85:
                self.put(event, path, self.field_value(kind, True))
        for _, path, kind in KEYS if self.is_sequence else []:
            if rng.random() < 0.95:
                self.put(event, path, self.field_value(kind, self.many_keys))
        return event

    def make_events(self):
        rng = self.rng
        count = rng.randrange(4, 26) if self.is_sequence else rng.randrange(1, 13)
        step = rng.choice([[0, 1], [0, 10, 500], [1, 1000, 2000], [1000], [0, 0, 0, 60000]])
        ms, events = START_MS, []
        for number in range(count):
            ms += rng.choice(step)
            events.append((ms, self.make_event(ms, number)))
        if rng.random() < 0.3:
            rng.shuffle(events)
        self.ms = [ms for ms, _ in events]
        return [event for _, event in events]

    # ---- leaves

    def values(self, event, path):
        """Values of a field: what a witness offers as literals."""
        out = []

        def walk(x, parts):
            if isinstance(x, list):
                for y in x:
                    walk(y, parts)
            elif not parts:
                if x is not None and not isinstance(x, dict):
                    out.append(x)
            elif isinstance(x, dict) and parts[0] in x:
                walk(x[parts[0]], parts[1:])
        if path in event:
            walk(event[path], [])
        else:
            walk(event, path.split("."))
        return out

    def pick(self, witness, path, kind):
        """A value to compare the field with: mostly one it has."""
        has = self.values(witness, path)
        return self.rng.choice(has) if has and self.rng.random() < 0.7 else self.scalar(kind)

    def of_kind(self, *kinds):
        found = [f for f in self.fields if f[2] in kinds]
        return self.rng.choice(found) if found else None

    def name(self, field):
        return ("?" if self.rng.random() < 0.1 else "") + field[0]

    def wildcard(self, s, fold):
        rng = self.rng
        if rng.random() < 0.25:
            return s
        out, i = [], 0
        while i < len(s):
            r = rng.random()
            if r < 0.15:
                out.append("*")
                i += rng.randrange(0, 4)
            elif r < 0.3:
                out.append("?")
                i += 1
            else:
                c = s[i]
                out.append(c.swapcase() if fold and c.isascii() and rng.random() < 0.3 else c)
                i += 1
        if rng.random() < 0.3:
            out.append("*")
        if rng.random() < 0.2:
            out.insert(0, "*")
        return "".join(out)

    def regex_char(self, c):
        return c if c.isalnum() or c in " /-_:,=\n\t" or ord(c) > 127 else "\\" + c

    def regex(self, s, fold):
        """An expression of what Lucene and Python understand alike, that often fits s."""
        rng = self.rng
        out, i = [], 0
        while i < len(s):
            c = s[i]
            atom = self.regex_char(c.swapcase() if fold and c.isascii() and rng.random() < 0.3 else c)
            r = rng.random()
            i += 1
            if r < 0.1:
                atom = "."
            elif r < 0.2 and c.isascii() and c.isalnum():
                atom = rng.choice(["[%s-%s]" % (chr(ord(c) - 1) if c not in "0aA" else c, c), "[%sxyz]" % c, "[^%s]" % ("Q" if c != "Q" else "R")])
            elif r < 0.28:
                atom = "(%s|%s)" % (atom, rng.choice(["q", "bb"]))
            elif r < 0.33:
                atom = "\\d" if c.isdigit() and c.isascii() else "\\s" if c in " \t\n" else atom
            r = rng.random()
            if r < 0.06:
                atom += "?"
            elif r < 0.12:
                atom += "+"
            elif r < 0.16:
                atom += "*"
            elif r < 0.22:
                atom += rng.choice(["{1}", "{1,3}", "{0,2}", "{1,}"])
            out.append(atom)
            if rng.random() < 0.06:
                out.append(".*")
                i += rng.randrange(0, 5)
        if rng.random() < 0.25:
            out.append(".*")
        if not out:
            out = ["a?"]
        if rng.random() < 0.15:
            out = ["(%s)|%s" % ("".join(out), rng.choice(["zz", "[0-9]+"]))]
        return "".join(out)

    def listed(self, items):
        items = list(items)
        self.rng.shuffle(items)
        return "(" + ("," + BLANK).join(items) + ")"

    def sometimes_null(self):
        return ["null"] if self.rng.random() < 0.15 else []

    def string(self, witness, depth):
        """(text, a value it might have): an expression of type string."""
        rng = self.rng
        field = self.of_kind("string", "numtext")
        if field is None:
            s = rng.choice(self.strings)
            return string_literal(rng, s), s
        base = self.name(field), self.pick(witness, field[1], field[2])
        if depth <= 0 or rng.random() < 0.5:
            return base
        text, value = self.string(witness, depth - 1)
        how = rng.choice(["substring", "concat", "between", "string"])
        if how == "substring" and not self.astral:
            a, b = rng.randrange(-4, 5), rng.randrange(-4, 6)
            if rng.random() < 0.4:
                return "substring(%s,%s%d)" % (text, BLANK, a), value[a:]
            return "substring(%s,%d,%s%d)" % (text, a, BLANK, b), value[a:b]
        if how == "concat":
            parts = [(text, value)]
            for _ in range(rng.randrange(0, 3)):
                other = self.of_kind("int", "bool", "mix", "string")
                if other is None or rng.random() < 0.5:
                    s = rng.choice(self.strings + [5, True, 2.5])
                    parts.append((literal(rng, s), text_of(s)))
                else:
                    parts.append((self.name(other), text_of(self.pick(witness, other[1], other[2]))))
            return "%s(%s)" % (rng.choice(["concat", "CONCAT"]), ("," + BLANK).join(p[0] for p in parts)), "".join(p[1] for p in parts)
        if how == "between":
            left, right = value[:1] if rng.random() < 0.7 else rng.choice("ab/"), value[-1:] if rng.random() < 0.7 else rng.choice("bc/")
            greedy = rng.choice(["", ", true", ", false"])
            tilde = "~" if rng.random() < 0.3 and not self.upper else ""
            return "between%s(%s, %s, %s%s)" % (tilde, text, string_literal(rng, left), string_literal(rng, right), greedy), value[1:-1]
        if how == "string":
            number, guess = self.number(witness, depth - 1, exact=True)
            return "string(%s)" % number, text_of(guess)
        return base

    def number(self, witness, depth, exact=False):
        """(text, a value it might have). `exact`: no quotient of doubles, so that its text is short."""
        rng = self.rng
        field = self.of_kind("int", "nonzero", "int", "double")
        if field is None or rng.random() < 0.1:
            v = rng.choice(INTS + DOUBLES)
            base = literal(rng, v), v
        else:
            base = self.name(field), self.pick(witness, field[1], field[2])
        r = rng.random()
        if depth <= 0 or r < 0.3:
            return base
        if r < 0.5:
            text, value = self.string(witness, depth - 1)
            if self.astral:
                return base
            if rng.random() < 0.5:
                return "length(%s)" % text, len(value)
            part = value[rng.randrange(len(value) + 1):][:2]
            if not part:
                return base
            tilde = "~" if rng.random() < 0.3 and not self.upper else ""
            start = ", %d" % rng.randrange(-1, 4) if rng.random() < 0.4 else ""
            return "indexOf%s(%s, %s%s)" % (tilde, text, string_literal(rng, part), start), value.find(part)
        if r < 0.6:
            texts = self.of_kind("numtext", "hextext")
            if texts and texts[2] == "numtext":
                return "number(%s%s)" % (self.name(texts), rng.choice(["", ", 10", ", null"]) if rng.random() < 0.5 else ""), 5
            if texts:
                return "number(%s, 16)" % self.name(texts), rng.choice([31, 10, 255])
            return base
        a, x = self.number(witness, depth - 1, exact)
        op = rng.choice("+-*/%")
        if op in "/%":
            nonzero = self.of_kind("nonzero")
            b = nonzero[0] if nonzero and rng.random() < 0.5 else literal(rng, rng.choice([1, 2, 3, -2, 7] + ([] if exact else [0.5, 2.5])))
            y = 2
        else:
            b, y = self.number(witness, depth - 2, exact)
        guess = {"+": x + y, "-": x - y, "*": x * y, "/": x // y if y else 0, "%": x % y if y else 0}[op]
        if rng.random() < 0.2:
            name = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}[op]
            return "%s(%s, %s)" % (name, a, b), guess
        if rng.random() < 0.1:
            return "-(%s %s %s)" % (a, op, b), -guess
        return "(%s%s%s%s%s)" % (a, BLANK, op, BLANK, b), guess

    def comparison(self, left, op, right):
        """Constants may stand left as well."""
        if self.rng.random() < 0.12:
            left, right = right, left
            op = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
        return left + BLANK + op + BLANK + right

    def string_leaf(self, witness):
        rng = self.rng
        text, value = self.string(witness, 2 if rng.random() < 0.4 else 0)
        r = rng.random()
        if r < 0.2:
            return self.comparison(text, rng.choice(["==", "==", "!=", "<", "<=", ">", ">="]), string_literal(rng, value))
        if r < 0.35:
            tilde = "~" if rng.random() < 0.4 and not self.upper else ""
            items = [value.swapcase() if tilde and value.isascii() else value] if rng.random() < 0.7 else []
            items += [rng.choice(self.strings) for _ in range(rng.randrange(0 if items else 1, 4))]
            items = [string_literal(rng, s) for s in items] + self.sometimes_null()
            return "%s%sin%s%s" % (text, BLANK + "not" + BLANK if rng.random() < 0.2 else BLANK, tilde, BLANK) + self.listed(items)
        if r < 0.6:
            op = rng.choice([":", "like", "like~"])
            fold = op != "like"
            items = [self.wildcard(value, fold)] + [self.wildcard(rng.choice(self.strings), fold) for _ in range(rng.choice([0, 0, 1, 3]))]
            items = [string_literal(rng, s) for s in items]
            return text + BLANK + op + BLANK + (items[0] if len(items) == 1 and rng.random() < 0.7 else self.listed(items))
        if r < 0.72:
            op = "regex~" if rng.random() < 0.4 and not self.upper else "regex"
            items = [self.regex(value, op == "regex~")] + [self.regex(rng.choice(self.strings), False) for _ in range(rng.choice([0, 0, 1]))]
            items = [string_literal(rng, s) for s in items]
            return text + BLANK + op + BLANK + (items[0] if len(items) == 1 else self.listed(items))
        name, part = rng.choice([("startsWith", value[:2]), ("endsWith", value[-2:]), ("stringContains", value[1:3]), ("stringcontains", value)])
        tilde = "~" if rng.random() < 0.4 and not self.upper else ""
        if tilde and part.isascii() and rng.random() < 0.5:
            part = part.swapcase()
        return "%s%s(%s,%s%s)" % (name, tilde, text, BLANK, string_literal(rng, part))

    def number_leaf(self, witness):
        rng = self.rng
        text, value = self.number(witness, rng.choice([0, 0, 1, 2]))
        if rng.random() < 0.2:
            items = [literal(rng, v) for v in [value] + [rng.choice(INTS + DOUBLES) for _ in range(rng.randrange(0, 3))]] + self.sometimes_null()
            # `in` binds more tightly than a sign.
            text = "(" + text + ")" if text.startswith("-") else text
            return text + BLANK + rng.choice(["in", "not" + BLANK + "in", "in~"]) + BLANK + self.listed(items)
        op = rng.choice(["==", "!=", "<", "<=", ">", ">="])
        right = literal(rng, value)
        if rng.random() < 0.15 and isinstance(value, int):
            right = '"%d"' % value
        elif rng.random() < 0.2 and isinstance(value, int):
            right = "%d%s+%s%d" % (value - 1, BLANK, BLANK, 1) if value > 0 else right
        return self.comparison(text, op, right)

    def mixed_leaf(self, witness):
        rng = self.rng
        field = self.of_kind("mix")
        value = self.pick(witness, field[1], "mix")
        text = self.name(field)
        r = rng.random()
        if r < 0.5:
            return self.comparison(text, rng.choice(["==", "!=", "<", "<=", ">", ">="]), literal(rng, value))
        if r < 0.65:
            same = [v for v in MIXED if type(v) is type(value)]
            items = [literal(rng, v) for v in [value] + rng.sample(same, rng.randrange(0, 2))] + self.sometimes_null()
            return text + BLANK + rng.choice(["in", "in~"]) + BLANK + self.listed(items)
        if r < 0.85:
            op = rng.choice([":", "like", "like~"])
            return text + BLANK + op + BLANK + string_literal(rng, self.wildcard(text_of(value), op != "like"))
        if r < 0.92:
            return "startsWith(%s, %s)" % (text, string_literal(rng, text_of(value)[:1]))
        return "string(%s)%s==%s%s" % (text, BLANK, BLANK, string_literal(rng, text_of(value)))

    def null_leaf(self, witness):
        rng = self.rng
        if rng.random() < 0.7:
            text = self.name(rng.choice(self.fields))
        else:
            text = rng.choice([self.string, self.number])(witness, 2)[0]
        return self.comparison(text, rng.choice(["==", "!="]), "null")

    def address_leaf(self, witness):
        rng = self.rng
        field = self.of_kind("ip")
        if rng.random() < 0.7:
            ranges = [string_literal(rng, r) for r in rng.sample(RANGES, rng.randrange(1, 4))]
            return "%s(%s,%s%s)" % (rng.choice(["cidrMatch", "cidrmatch"]), self.name(field), BLANK, ", ".join(ranges))
        return self.comparison(self.name(field), rng.choice(["==", "!="]), string_literal(rng, self.pick(witness, field[1], "ip")))

    def date_leaf(self, witness):
        rng = self.rng
        ms = witness["@timestamp"] + rng.choice([0, 0, -1, 1, 1000])
        text = '"2023-11-14T22:%02d:%02d.%03dZ"' % (13 + (20 + (ms - START_MS) // 1000) // 60, (20 + (ms - START_MS) // 1000) % 60, (ms - START_MS) % 1000)
        # The reference takes text for a date only on the right.
        return "@timestamp%s%s%s%s" % (BLANK, rng.choice(["==", "!=", "<", "<=", ">", ">="]), BLANK, rng.choice([text, str(ms)]))

    def inner_leaf(self, witness):
        """Three-valued logic inside one leaf."""
        rng = self.rng
        a = self.mixed_leaf(witness) if self.of_kind("mix") and rng.random() < 0.4 else self.plain_leaf(witness)
        r = rng.random()
        if r < 0.3:
            inner = "%s%s%s%s%s" % (a, BLANK, rng.choice(["and", "or"]), BLANK, self.plain_leaf(witness))
        elif r < 0.5:
            inner = "not" + BLANK + "(" + a + ")"
        else:
            inner = a
        r = rng.random()
        if r < 0.5:
            return "(%s)%s%s%snull" % (inner, BLANK, rng.choice(["==", "!="]), BLANK)
        if r < 0.75:
            return "string(%s)%s==%s%s" % (inner, BLANK, BLANK, rng.choice(['"true"', '"false"']))
        return "concat(%s, \"-\")%s:%s%s" % (inner, BLANK, BLANK, rng.choice(['"true*"', '"*e-"']))

    def optional_leaf(self, witness):
        """Two fields beside each other, allowed where one is optional."""
        rng = self.rng
        kind = rng.choice(["string", "int"])
        fields = [f for f in self.fields if f[2] == kind]
        if len(fields) < 2:
            return self.null_leaf(witness)
        a, b = rng.sample(fields, 2)
        return "?%s%s%s%s%s" % (a[0], BLANK, rng.choice(["==", "!="]), BLANK, self.name(b))

    def plain_leaf(self, witness):
        rng = self.rng
        r = rng.random()
        if r < 0.06:
            return "event.action%s%s%s%s" % (BLANK, rng.choice(["==", ":", "!="]), BLANK, string_literal(rng, rng.choice(ACTIONS)))
        if r < 0.12 and self.of_kind("bool"):
            field = self.name(self.of_kind("bool"))
            return rng.choice([field, self.comparison(field, rng.choice(["==", "!="]), rng.choice(["true", "false"]))])
        if r < 0.2 and self.of_kind("ip"):
            return self.address_leaf(witness)
        if r < 0.34 and self.of_kind("mix"):
            return self.mixed_leaf(witness)
        if r < 0.4:
            return self.null_leaf(witness)
        if r < 0.44 and self.time_numbers:
            return self.date_leaf(witness)
        if r < 0.6:
            return self.number_leaf(witness)
        return self.string_leaf(witness)

    def leaf(self, witness):
        r = self.rng.random()
        if r < 0.02:
            text = self.rng.choice(["true", "false", "1 == 1", "\"a\" : \"A*\"", "not null", "null == null", "2 + 3 > 4"])
        elif r < 0.12:
            text = self.inner_leaf(witness)
        elif r < 0.15:
            text = self.optional_leaf(witness)
        else:
            text = self.plain_leaf(witness)
        return ("leaf", text)

    # ---- conditions and queries

    def condition(self, witness, depth):
        rng = self.rng
        r = rng.random()
        if depth <= 0 or r < 0.4:
            return self.leaf(witness)
        if r < 0.52:
            return ("not", self.condition(witness, depth - 1))
        if r < 0.57:
            kid = self.condition(witness, depth - 1)
            return ("truth", kid, rng.choice(["true", "false"])) if kid[0] != "leaf" else kid
        return (rng.choice(["and", "or"]), [self.condition(witness, depth - 1) for _ in range(rng.choice([2, 2, 3]))])

    def category(self, witness):
        has = self.values(witness, "event.category")
        r = self.rng.random()
        if r < 0.15 or not has:
            return "any"
        if r < 0.3:
            return self.rng.choice(CATEGORIES)
        c = self.rng.choice(has)
        return c if r < 0.8 else self.rng.choice(['"%s"', '"""%s"""']) % c

    def pipes(self):
        rng = self.rng
        if self.many_keys or rng.random() < 0.8:
            return []
        return ["%s%s%s" % (rng.choice(["head", "tail"]), BLANK, rng.choice(["0", "1", "2", "5", "1+2", "2147483648-1"]))
                for _ in range(rng.randrange(1, 3))]

    def make_event_query(self):
        witness = self.rng.choice(self.events)
        return {"kind": "event", "stages": [{"category": self.category(witness), "condition": self.condition(witness, 3),
                                             "missing": False, "by": [], "runs": 1}],
                "by": [], "maxspan": None, "until": None, "pipes": self.pipes()}

    def stage(self, witness, keys, depth=2):
        r = self.rng.random()
        tries = 5 if self.holds and self.rng.random() < 0.85 else 1
        for _ in range(tries):
            condition = ("leaf", "true") if r < 0.2 else self.leaf(witness) if r < 0.6 else self.condition(witness, depth)
            if tries == 1 or self.holds(condition_text(condition).replace(BLANK, " "), witness):
                break
        return {"category": self.category(witness), "condition": condition, "missing": False, "by": keys, "runs": 1}

    def key_text(self, field):
        return ("?" if self.rng.random() < 0.25 else "") + field[0]

    def make_sequence(self):
        rng = self.rng
        count = rng.choice([2, 2, 2, 3, 3, 4])
        shared = rng.sample(KEYS, rng.choice([0, 1, 1, 1, 2]))
        own = rng.choice([None, None, "key", "intkey"])

        def keys():
            if own is None:
                return []
            return [self.key_text(rng.choice([k for k in KEYS if k[2] == own]))]
        order = sorted(range(len(self.events)), key=lambda i: (self.ms[i], i))
        at = [order[i] for i in sorted(rng.sample(range(len(order)), min(count, len(order))))]
        stages = [self.stage(self.events[i], keys()) for i in at]
        if rng.random() < 0.12:
            rng.choice(stages)["runs"] = rng.choice([1, 2, 3])
        spans = {"1ms": 1, "10ms": 10, "500ms": 500, "2s": 2000, "3s": 3000, "1m": 60000, "5m": 300000, "1h": 3600000, "1d": 86400000}
        if rng.random() < 0.7:
            spans = {k: ms for k, ms in spans.items() if ms >= self.ms[at[-1]] - self.ms[at[0]]}
        maxspan = rng.choice(list(spans)) if rng.random() < 0.5 else None
        if rng.random() < 0.2:
            for _ in range(rng.choice([1, 1, 2])):
                gap = self.stage(rng.choice(self.events), keys())
                gap["missing"] = True
                gap["runs"] = rng.choice([1, 1, 1, 2])
                stages.insert(rng.randrange(len(stages) + 1), gap)
            if rng.random() < 0.3 and len([s for s in stages if not s["missing"]]) == 2:
                stages.remove(rng.choice([s for s in stages if not s["missing"]]))
            maxspan = maxspan or rng.choice(["10ms", "2s", "5m"])
        until = self.stage(rng.choice(self.events), keys(), 1) if rng.random() < 0.2 else None
        return {"kind": "sequence", "stages": stages, "by": [self.key_text(k) for k in shared], "maxspan": maxspan,
                "until": until, "pipes": self.pipes()}


def text_of(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    return str(v)


def condition_text(tree):
    kind = tree[0]
    if kind == "leaf":
        return tree[1]
    if kind == "not":
        inner = tree[1]
        bare = condition_text(inner)
        return "not" + BLANK + (bare if inner[0] in ("not", "leaf") else "(" + bare + ")")
    if kind == "truth":
        return "(%s)%s==%s%s" % (condition_text(tree[1]), BLANK, BLANK, tree[2])
    # `and` binds tighter than `or`; a `truth` is a comparison and needs no brackets.
    parts = [condition_text(k) if k[0] in ("leaf", "not", "truth") or (kind == "or" and k[0] == "and") else "(" + condition_text(k) + ")"
             for k in tree[1]]
    return (BLANK + kind + BLANK).join(parts)


def stage_text(stage):
    text = "%s%swhere%s%s" % (stage["category"], BLANK, BLANK, condition_text(stage["condition"]))
    text = ("![" if stage["missing"] else "[") + text + "]"
    if stage["by"]:
        text += BLANK + "by" + BLANK + ", ".join(stage["by"])
    if stage["runs"] > 1:
        text += "%swith%sruns=%d" % (BLANK, BLANK, stage["runs"])
    return text


def query_text(query, rng=None):
    """EQL; with `rng` blanks are sometimes line breaks or comments."""
    if query["kind"] == "event":
        stage = query["stages"][0]
        text = "%s%swhere%s%s" % (stage["category"], BLANK, BLANK, condition_text(stage["condition"]))
    else:
        text = "sequence" + BLANK
        if query["by"]:
            text += "by" + BLANK + ", ".join(query["by"]) + BLANK
        if query["maxspan"]:
            text += "with" + BLANK + "maxspan=" + query["maxspan"] + BLANK
        text += BLANK.join(stage_text(s) for s in query["stages"])
        if query["until"]:
            text += BLANK + "until" + BLANK + stage_text(query["until"])
    for pipe in query["pipes"]:
        text += BLANK + "|" + BLANK + pipe
    if rng is None:
        return text.replace(BLANK, " ")
    blanks = [" "] * 40 + ["\n", "  ", "\t", " /* c */ ", " /* a /* b */ \" */ ", " // rest \" [\n"]
    return re.sub(BLANK, lambda m: rng.choice(blanks), text)


# ---- smaller versions, for the report of a difference

def smaller_conditions(tree):
    yield ("leaf", "true")
    if tree[0] == "not":
        yield tree[1]
        yield from (("not", k) for k in smaller_conditions(tree[1]))
    elif tree[0] == "truth":
        yield tree[1]
        yield from (("truth", k, tree[2]) for k in smaller_conditions(tree[1]))
    elif tree[0] in ("and", "or"):
        yield from tree[1]
        if len(tree[1]) > 2:
            for i in range(len(tree[1])):
                yield (tree[0], tree[1][:i] + tree[1][i + 1:])
        for i, kid in enumerate(tree[1]):
            for k in smaller_conditions(kid):
                yield (tree[0], tree[1][:i] + [k] + tree[1][i + 1:])


def smaller_queries(query):
    def but(**changes):
        return dict(query, **changes)
    if query["pipes"]:
        yield but(pipes=[])
        yield but(pipes=query["pipes"][1:])
    if query["until"]:
        yield but(until=None)
    if query["maxspan"]:
        yield but(maxspan=None)
    if query["by"]:
        yield but(by=query["by"][1:])
    stages = query["stages"]
    if any(s["by"] for s in stages):
        until = dict(query["until"], by=[]) if query["until"] else None
        yield but(stages=[dict(s, by=[]) for s in stages], until=until)
    if len(stages) > 2:
        for i in range(len(stages)):
            yield but(stages=stages[:i] + stages[i + 1:])
    for i, stage in enumerate(stages):
        variants = [dict(stage, condition=c) for c in smaller_conditions(stage["condition"]) if c != stage["condition"]]
        if stage["runs"] > 1:
            variants.append(dict(stage, runs=stage["runs"] - 1))
        if stage["category"] != "any":
            variants.append(dict(stage, category="any"))
        for v in variants:
            yield but(stages=stages[:i] + [v] + stages[i + 1:])
    if query["until"]:
        for c in smaller_conditions(query["until"]["condition"]):
            if c != query["until"]["condition"]:
                yield but(until=dict(query["until"], condition=c))


def smaller_events(events):
    for i in range(len(events)):
        yield events[:i] + events[i + 1:]
    for i, event in enumerate(events):
        for key in event:
            if key == "@timestamp":
                continue
            less = copy.deepcopy(event)
            value = less.pop(key)
            yield events[:i] + [less] + events[i + 1:]
            if isinstance(value, dict):
                for inner in value:
                    less = copy.deepcopy(event)
                    del less[key][inner]
                    yield events[:i] + [less] + events[i + 1:]
            elif isinstance(value, list) and value:
                for k in range(len(value)):
                    less = copy.deepcopy(event)
                    del less[key][k]
                    yield events[:i] + [less] + events[i + 1:]


def size_of(query, events):
    return len(query_text(query)) + len(json.dumps(events))
