#!/usr/bin/env python3
"""liblintel-eql as another program meets it: installed, found by pkg-config, compiled against, run."""
import json, os, shutil, subprocess, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap
from tap import TOP, case

BUILD = os.path.dirname(tap.LINTEL)
EVENTS = [
    {"@timestamp": 1000, "event": {"category": "process", "action": "exec"}, "process": {"entity_id": "a", "name": "curl"}},
    {"@timestamp": 3000, "event": {"category": "network"}, "process": {"entity_id": "a"}},
    {"@timestamp": 2000, "event": {"category": "process", "action": "exec"}, "process": {"entity_id": "b", "name": "sh"}},
    {"@timestamp": 90000, "event": {"category": "network"}, "process": {"entity_id": "b"}},
]
SEQUENCE = 'sequence by process.entity_id with maxspan=1m [process where event.action == "exec"] [network where true]'

# Everything the example does not use: options, fields one by one, errors, matching, losses.
MORE = r"""
#include <assert.h>
#include <errno.h>
#include <lintel/eql.h>
#include <stdio.h>
#include <string.h>

static void count(void *context, const lintel_eql_result *result)
{
	size_t length;
	const char *event = lintel_eql_result_event(result, 0, &length);

	++*(int *)context;
	printf("%zu %llu %.*s %s\n", lintel_eql_result_event_count(result),
	       (unsigned long long)lintel_eql_result_event_number(result, 0), (int)length, event,
	       lintel_eql_result_keys(result, NULL));
}

int main(void)
{
	lintel_eql_options options = LINTEL_EQL_OPTIONS_INIT;
	lintel_eql_run_options run_options = LINTEL_EQL_RUN_OPTIONS_INIT;
	lintel_eql_error *error = NULL;
	const char *text = "any where kind_of == 1 and\n  wildcard(x)", *why;
	int found = 0;

	printf("%s\n", lintel_eql_version());
	assert(!lintel_eql_compile(text, strlen(text), NULL, NULL));
	assert(!lintel_eql_compile(text, strlen(text), NULL, &error));
	assert(lintel_eql_error_count(error) == 1 && lintel_eql_error_line(error, 0) == 2);
	assert(lintel_eql_error_column(error, 0) == 3);
	printf("%s\n", lintel_eql_error_message(error, 0));
	assert(strstr(lintel_eql_error_text(error), "2:3: error: "));
	lintel_eql_error_free(error);

	options.category_field = "kind";
	options.timestamp_field = "when";
	text = "login where user.name : \"root\" and tries >= 3 and tags == \"b\" and ok == false and x < 1.5";
	lintel_eql_query *query = lintel_eql_compile(text, strlen(text), &options, &error);
	assert(query && lintel_eql_query_kind(query) == LINTEL_EQL_EVENT && lintel_eql_query_is_single(query));
	for (size_t i = 0; i < lintel_eql_query_field_count(query); i++)
		printf("%s ", lintel_eql_query_field(query, i));
	puts("");

	lintel_eql_event *event = lintel_eql_event_new(query);
	assert(lintel_eql_event_match(event) == 0);
	assert(lintel_eql_event_set_time(event, 1700000000000000000) == 0);
	lintel_eql_event_add_string(event, "kind", "login", 5);
	lintel_eql_event_add_string(event, "user.name", "ROOT", 4);
	lintel_eql_event_add_string(event, "unread", "x", 1);
	lintel_eql_event_add_string(event, "tags", "a", 1);
	lintel_eql_event_add_string(event, "tags", "b", 1);
	lintel_eql_event_add_int(event, "tries", 3);
	lintel_eql_event_add_bool(event, "ok", 0);
	lintel_eql_event_add_double(event, "x", 0.5);
	assert(lintel_eql_event_match(event) == 1);
	assert(lintel_eql_run_new(query, NULL) == NULL);
	run_options.found = count;
	run_options.context = &found;
	run_options.mode = LINTEL_EQL_STREAM;
	run_options.size = 3;
	assert(lintel_eql_run_new(query, &run_options) == NULL);
	run_options.size = -1;
	lintel_eql_run *run = lintel_eql_run_new(query, &run_options);
	assert(run && lintel_eql_run_add_json(run, "{\"kind\":", 8, &why) == -EINVAL && why && *why);
	assert(lintel_eql_run_add_json(run, "{\"kind\":1}", 10, NULL) == 0);
	assert(lintel_eql_run_add(run, event) == 0 && found == 1);
	lintel_eql_event_reset(event);
	assert(lintel_eql_event_match(event) == 0);
	lintel_eql_run_finish(run);
	lintel_eql_run_free(run);
	assert(lintel_eql_match(query, "[]", 2) == -EINVAL);
	assert(lintel_eql_match(query, "{\"kind\":\"logout\"}", 17) == 0);

	text = "sample by k [a where true] [b where true]";
	lintel_eql_query *sample = lintel_eql_compile(text, strlen(text), NULL, NULL);
	assert(sample && lintel_eql_query_kind(sample) == LINTEL_EQL_SAMPLE);
	assert(lintel_eql_match(sample, "{}", 2) == -ENOTSUP);
	run_options.mode = LINTEL_EQL_BATCH;
	run = lintel_eql_run_new(sample, &run_options);
	assert(lintel_eql_run_add(run, event) == -EINVAL);
	lintel_eql_run_finish(run);
	lintel_eql_run_free(run);
	lintel_eql_event_free(event);
	lintel_eql_query_free(sample);
	lintel_eql_query_free(query);

	size_t losses = 0;
	uint64_t lost;
	for (; (why = lintel_eql_loss(losses, &lost)) != NULL; losses++)
		assert(*why && lost == 0);
	assert(losses > 5 && found == 1);
	return 0;
}
"""


def run(command, **more):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **more)
    assert p.returncode == more.get("status", 0), "%s: status %d\n%s\n%s" % (
        command, p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace"))
    return p.stdout.decode()


def results(program, query, *flags, library=None):
    env = dict(os.environ, LD_LIBRARY_PATH=library or "")
    text = "".join(json.dumps(e) + "\n" for e in EVENTS)
    p = subprocess.run([program, *flags, query], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=60)
    return p.returncode, [json.loads(l) for l in p.stdout.splitlines()], p.stderr.decode()


def main():
    # In the plain build alone: the sanitizers' run-time library is not part of an installation.
    # tests/unit/library_test.c runs the same interface under them.
    if os.path.basename(BUILD) != "build":
        print("1..0 # SKIP the library is installed from the plain build only")
        return
    if not shutil.which("pkg-config"):
        print("1..0 # SKIP pkg-config is not here")
        return
    work = tempfile.mkdtemp(prefix="lintel-library-")
    try:
        cases(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


def cases(work):
    root = os.path.join(work, "root")
    env, libraries = {}, None

    def compiled(name, source, compiler, *flags):
        program = os.path.join(work, name)
        found = run(["pkg-config", "--cflags", "--libs", "lintel-eql"], env=env).split()
        run([*compiler, "-Wall", "-Wextra", "-Werror", source, *found, *flags, "-o", program])
        return program

    with case("an installation has the library, its header and a pkg-config file that finds both"):
        run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root])
        pc = [os.path.join(d, f) for d, _, names in os.walk(root) for f in names if f == "lintel-eql.pc"]
        assert len(pc) == 1, pc
        # The tree is not where it was made for; pkg-config has a switch for that.
        env.update(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc[0]), PKG_CONFIG_SYSROOT_DIR=root)
        libraries = run(["pkg-config", "--variable=libdir", "lintel-eql"], env=env).strip()
        libraries = libraries if libraries.startswith(root) else root + libraries
        assert os.path.exists(os.path.join(libraries, "liblintel-eql.so")) and os.path.exists(os.path.join(libraries, "liblintel-eql.a"))
        version = run(["pkg-config", "--modversion", "lintel-eql"], env=env).strip()
        header = open(os.path.join(TOP, "src/lib/lintel-eql.h")).read()
        assert all("_%s %s\n" % (n, v) in header for n, v in zip(("MAJOR", "MINOR", "PATCH"), version.split("."))), version

    with case("the example runs event queries and sequences, as a batch and as a stream"):
        example = compiled("example", os.path.join(TOP, "examples/eql_query.c"), ["cc", "-std=gnu17"])
        want = [{"join_keys": ["a"], "events": [EVENTS[0], EVENTS[1]]}]
        assert results(example, SEQUENCE, library=libraries) == (0, want, "")
        assert results(example, SEQUENCE, "--stream", library=libraries) == (0, want, "")
        status, found, _ = results(example, 'process where process.name : "S*"', library=libraries)
        assert status == 0 and found == [{"join_keys": [], "events": [EVENTS[2]]}], found
        status, found, _ = results(example, "any where true | tail 1", library=libraries)
        assert status == 0 and found == [{"join_keys": [], "events": [EVENTS[3]]}], found
        status, found, err = results(example, "any where true | tail 1", "--stream", library=libraries)
        assert status == 2 and not found and "pipes" in err
        status, found, err = results(example, "process where name = 1", library=libraries)
        assert status == 2 and "1:20: error:" in err, err

    with case("fields one by one, options, errors and losses"):
        source = os.path.join(work, "more.c")
        open(source, "w").write(MORE)
        more = compiled("more", source, ["cc", "-std=c17"])
        out = run([more], env=dict(os.environ, LD_LIBRARY_PATH=libraries)).splitlines()
        assert out[0] == run(["pkg-config", "--modversion", "lintel-eql"], env=env).strip()
        assert "unknown function" in out[1], out
        assert {"kind", "when", "user.name", "tries", "tags", "ok", "x"} == set(out[2].split()), out
        count, number, document, keys = out[3].split(" ")
        document = json.loads(document)
        assert (count, number, keys) == ("1", "1", "[]"), out
        flat = json.dumps(document)
        assert '"ROOT"' in flat and '["a", "b"]' in flat and "2023-11-14T22:13:20" in flat, document

    with case("the header is C17 and C++17, alone"):
        for compiler, kind in ((["cc", "-std=c17"], "c"), (["c++", "-std=c++17"], "c++")):
            source = os.path.join(work, "alone." + kind)
            open(source, "w").write("#include <lintel/eql.h>\nint main(void) { return lintel_eql_version() == NULL; }\n")
            program = compiled("alone-" + kind, source, [*compiler, "-pedantic"])
            run([program], env=dict(os.environ, LD_LIBRARY_PATH=libraries))

    with case("shared and static library name nothing but the interface"):
        shared = run(["nm", "-D", "--defined-only", os.path.join(libraries, "liblintel-eql.so")])
        static = run(["nm", "-g", "--defined-only", os.path.join(libraries, "liblintel-eql.a")])
        header = open(os.path.join(TOP, "src/lib/lintel-eql.h")).read()
        for text in (shared, static):
            names = {l.split()[-1] for l in text.splitlines() if len(l.split()) == 3}
            assert names and all(n.startswith("lintel_eql_") for n in names), sorted(names)[:20]
            assert all(n + "(" in header for n in names), sorted(names)

    with case("a program can take the static library"):
        found = run(["pkg-config", "--static", "--cflags", "--libs", "lintel-eql"], env=env).split()
        # That one statically, what it needs as it comes.
        found = [f if f != "-llintel-eql" else "-l:liblintel-eql.a" for f in found]
        program = os.path.join(work, "static")
        run(["cc", "-std=gnu17", os.path.join(TOP, "examples/eql_query.c"), *found, "-o", program])
        status, found, err = results(program, SEQUENCE)
        assert status == 0 and len(found) == 1, err


main()
