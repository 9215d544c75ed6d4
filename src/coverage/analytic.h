/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MITRE ATT&CK's analytics for Linux, and which of the data components they need a source gives.
 * Ids and names © 2025 The MITRE Corporation; see NOTICE.
 */
#ifndef LINTEL_COVERAGE_ANALYTIC_H
#define LINTEL_COVERAGE_ANALYTIC_H

#include "coverage/coverage.h"

/* ATT&CK 18's longest list has seven. */
#define ANALYTIC_NEEDS_MAX 8

struct analytic_need {
	const char *component;  /* "DC0032" */
	const char *log_source; /* as ATT&CK names it: "auditd:SYSCALL" */
};

struct analytic {
	const char *id;                                     /* "AN0939" */
	const char *technique;                              /* "T1546.016" */
	const char *name;                                   /* of the technique */
	const char *tactics;                                /* blanks between */
	struct analytic_need needs[ANALYTIC_NEEDS_MAX + 1]; /* ended by one without component */
};

/* All of them, in order of id. */
const struct analytic *analytics(uint32_t *count);
/* The version of ATT&CK they are from: "18.1". */
const char *analytics_version(void);
/* "Process Creation" of "DC0032"; the id when the table does not have it. */
const char *component_name(const char *id);
/* How much of the data component the source's events give. */
enum coverage_verdict component_verdict(const struct supply *supply, const char *id);
/* Full: all it needs is given in full. No: nothing of what it needs is given. */
enum coverage_verdict analytic_verdict(const struct analytic *analytic,
				       const struct supply *supply);

#endif
