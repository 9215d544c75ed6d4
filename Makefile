# The front door. Meson and Ninja build; this file only knows the order of things.
#
#   make             build build/lintel, without root; says which packages are missing
#   sudo make run    install what is missing, build, start `lintel watch` with the shipped rules
#   sudo make test   install what is missing, build, run every test
#   sudo make test-vm  the live tests on four of Debian's kernels, emulated
#   make help        the other targets

BUILD ?= build
MESON ?= meson

# Under sudo the tree still belongs to whoever cloned it: build as that user, so that a later
# `make` without root finds files it may write.
OWNER := $(shell stat -c %U .)
AS := $(if $(filter 0,$(shell id -u)),$(if $(filter root UNKNOWN,$(OWNER)),,runuser -u $(OWNER) --),)

.PHONY: all deps check-deps run test test-vm bench bench-overhead soak fuzz fmt lint install clean help
.DELETE_ON_ERROR:

all: check-deps $(BUILD)/build.ninja
	@$(AS) ninja -C $(BUILD)

check-deps:
	@scripts/install-deps --check

deps:
	@scripts/install-deps

$(BUILD)/build.ninja:
	@$(AS) $(MESON) setup $(BUILD)

run: deps
	@$(MAKE) --no-print-directory all
	@exec $(BUILD)/lintel watch $(ARGS)

test: deps
	@$(MAKE) --no-print-directory all
	@exec python3 tests/run.py $(ARGS)

test-vm:
	@scripts/install-deps --vm
	@$(MAKE) --no-print-directory all
	@exec python3 tests/vm/run.py $(ARGS)

bench: deps
	@$(MAKE) --no-print-directory all
	@exec python3 tests/bench/run.py $(ARGS)

# What watching costs, beside auditd and, with ARGS='--quark PROGRAM', quark; needs root.
bench-overhead: deps
	@$(MAKE) --no-print-directory all
	@exec python3 tests/bench/overhead.py $(ARGS)

# Half an hour of mixed load with checks of memory, loss and lineage, then kill -9 and restart; root.
soak: deps
	@$(MAKE) --no-print-directory all
	@exec python3 tests/bench/soak.py $(ARGS)

# FUZZ_SECONDS each, all targets, one after another per core.
FUZZ_SECONDS ?= 600
fuzz: deps
	@exec python3 tests/run.py --only fuzz --fuzz-seconds $(FUZZ_SECONDS)

fmt:
	@git ls-files '*.c' '*.h' '*.cpp' | xargs clang-format -i

lint:
	@git ls-files '*.c' '*.h' '*.cpp' | xargs clang-format --dry-run -Werror
	@python3 tests/layers.py

install: all
	@$(MESON) install -C $(BUILD)

clean:
	rm -rf build build-asan build-fuzz build-vm

help:
	@echo "make           build (no root needed)"
	@echo "sudo make run  install packages, build, start lintel watch      [ARGS='--duration 60']"
	@echo "sudo make test install packages, build, run every test          [ARGS='--only unit']"
	@echo "sudo make test-vm  the live tests on Debian's 5.10, 6.1, 6.12 and newest kernel, in qemu"
	@echo "                                                                 [ARGS='--kernel 6.1 --only calls']"
	@echo "make bench     every figure of speed and memory beside its goal  [ARGS='--quick']"
	@echo "make bench-overhead  what watching costs the host (root)  [ARGS='--quark quark-mon']"
	@echo "make soak      half an hour under load, then kill -9 ten times (root)  [ARGS='--minutes 5']"
	@echo "make fuzz      every fuzz target for FUZZ_SECONDS (600) each"
	@echo "make fmt lint  formatting; formatting and layer checks"
	@echo "make install   meson install (binary, library, man pages, completions)   [DESTDIR=...]"
	@echo "make clean     remove the build directories"
