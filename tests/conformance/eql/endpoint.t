# Elastic Endpoint's dialect.

# a field of an earlier event: this event alone decides the rest
sequence by process.entity_id with maxspan=10s
  [file where event.type == "creation"] as event0
  [process where process.name != null and startswith~(process.executable, event0.file.path)]
= sequence, keys 1, maxspan 10000 ms
= filter 0: file where event.type == "creation"
= filter 1: process where process.name != null THEN BY STAGES startsWith~(process.executable, event0.file.path)
= stage 0: filter 0 by process.entity_id as event0
= stage 1: filter 1 by process.entity_id
= keeps file.path, process.entity_id, process.executable

# what is under a not gets weaker the other way round
sequence [a where true] as event0
  [b where x == 1 and not (y == 2 and event0.z == x) and (event0.z == 3 or w == 4)]
= sequence, keys 0
= filter 0: a where true
= filter 1: b where x == 1 THEN BY STAGES not (y == 2 and event0.z == x) and (event0.z == 3 or w == 4)
= stage 0: filter 0 as event0
= stage 1: filter 1
= keeps x, y, z, w

sequence [a where true] as event0 [b where not (y == 2 or event0.z == y)]
= sequence, keys 0
= filter 0: a where true
= filter 1: b where not y == 2 THEN BY STAGES not (y == 2 or event0.z == y)
= stage 0: filter 0 as event0
= stage 1: filter 1
= keeps y, z

# any name will do; the third event may look at the first two; presence of a field too
sequence [a where true] by k as first [b where first.x == x] by k as `and`
  [c where first.x != null and `and`.x == null and first.x != `and`.x] by k
! 1:70: error: unexpected [`and`], expected a name for the event
!     1 | sequence [a where true] by k as first [b where first.x == x] by k as `and`
!       |                                                                      ^~~~~

sequence [a where true] by k as first [b where first.x == x] by k as second
  [c where first.x != null and second.x == null and first.x != second.x] by k
= sequence, keys 1
= filter 0: a where true
= filter 1: b where true THEN BY STAGES first.x == x
= filter 2: c where true THEN BY STAGES first.x != null and second.x == null and not first.x == second.x
= stage 0: filter 0 by k as first
= stage 1: filter 1 by k as second
= stage 2: filter 2 by k
= keeps k, x

# equal but for the event they name: two filters
sequence [a where true] as event0 [a where event0.x == x] as event1 [a where event1.x == x] [a where event0.x == x]
= sequence, keys 0
= filter 0: a where true
= filter 1: a where true THEN BY STAGES event0.x == x
= filter 2: a where true THEN BY STAGES event1.x == x
= stage 0: filter 0 as event0
= stage 1: filter 1 as event1
= stage 2: filter 2
= stage 3: filter 1
= keeps x

# relations, also in event queries
process where process.name == "sh" and descendant of [process where process.name == "dnf"]
= event, keys 0
= filter 0: process where process.name == "sh" THEN descendant of [process where process.name == "dnf"]
= filter 1: process where process.name == "dnf"
= filter 2: process where process.entity_id != null and process.parent.entity_id != null and not event.type == "end"
= relation 0: descendant of filter 1
= lineage: filter 2
= keeps process.entity_id, process.parent.entity_id

process where not child of [file where true] and (x == 1 or event of [network where y == 2] or not descendant of [file where true])
= event, keys 0
= filter 0: process where true THEN not child of [file where true] and (x == 1 or event of [network where y == 2] or not descendant of [file where true])
= filter 1: file where true
= filter 2: network where y == 2
= filter 3: process where process.entity_id != null and process.parent.entity_id != null and not event.type == "end"
= relation 0: child of filter 1
= relation 1: event of filter 2
= relation 2: descendant of filter 1
= lineage: filter 3
= keeps process.entity_id, process.parent.entity_id, x

# the inner relation comes first
process where child of [process where a == 1 and descendant of [process where b == 2]]
= event, keys 0
= filter 0: process where true THEN child of [process where a == 1 and descendant of [process where b == 2]]
= filter 1: process where b == 2
= filter 2: process where a == 1 THEN descendant of [process where b == 2]
= filter 3: process where process.entity_id != null and process.parent.entity_id != null and not event.type == "end"
= relation 0: descendant of filter 1
= relation 1: child of filter 2
= lineage: filter 3
= keeps process.entity_id, process.parent.entity_id

# a condition that no relation can save is decided by itself
process where x == 1 and (child of [a where true] or true)
= event, keys 0
= filter 0: process where x == 1
= filter 1: a where true
= filter 2: process where process.entity_id != null and process.parent.entity_id != null and not event.type == "end"
= relation 0: child of filter 1
= lineage: filter 2
= keeps process.entity_id, process.parent.entity_id

# fields of one event against each other
process where process.name == process.parent.name or concat(a, b) != c or a < b
+ {"event.category": "process", "process": {"name": "sh", "parent": {"name": "sh"}}, "a": 1, "b": 2, "c": "12"}
+ {"event.category": "process", "a": 1, "b": 2, "c": "12"}
- {"event.category": "process", "a": 2, "b": 1, "c": "21"}

# two missing fields are not equal, unless one is optional
any where a == b
- {}
- {"a": 1}
+ {"a": [1, 2], "b": [3, 2]}

any where ?a == b
+ {}

any where @timestamp == event.created
+ {"@timestamp": "2024-01-31T00:00:00Z", "event.created": 1706659200000}
- {"@timestamp": "2024-01-31T00:00:00Z", "event.created": 1706659200001}

# the examples of docs/eql.md
sequence by process.entity_id with maxspan=10s
  [file where event.type == "creation" and file.extension == "so"] as event0
  [process where event.action == "exec" and startsWith~(process.env_vars, event0.file.path)]

sequence [any where true] as event0 [any where process.name == process.parent.name or file.size > event0.file.size]

process where event.action == "exec" and process.name == "sh" and
  descendant of [process where event.action == "exec" and process.name == "dnf"]

# refused
sequence [a where x == event0.y] [b where event1.z == 1]
! 1:24: error: [event0] is the name of no earlier query
!     1 | sequence [a where x == event0.y] [b where event1.z == 1]
!       |                        ^~~~~~~~
!       = name an earlier query of the sequence: [...] as event0
! 1:43: error: [event1] is the name of no earlier query
!     1 | sequence [a where x == event0.y] [b where event1.z == 1]
!       |                                           ^~~~~~~~
!       = name an earlier query of the sequence: [...] as event1

sequence [a where event0.x == 1] as event0 [b where true]
! 1:19: error: [event0] is the name of no earlier query
!     1 | sequence [a where event0.x == 1] as event0 [b where true]
!       |                   ^~~~~~~~
!       = name an earlier query of the sequence: [...] as event0

sequence [a where true] as event0 [b where event0 == 1] as event0
! 1:44: error: [event0] is an event and no field
!     1 | sequence [a where true] as event0 [b where event0 == 1] as event0
!       |                                            ^~~~~~
!       = write one of its fields: event0.process.name
! 1:60: error: [event0] is the name of two queries
!     1 | sequence [a where true] as event0 [b where event0 == 1] as event0
!       |                                                            ^~~~~~

sequence with maxspan=1m [a where true] as x [b where true] with runs=2 ![c where x.y == 1] until [d where x.y == 1]
! 1:83: error: [x] cannot be used here
!     1 | quence with maxspan=1m [a where true] as x [b where true] with runs=2 ![c where x.y == 1] until [d where x.y == 1]
!       |                                                                                 ^~~
!       = relations, missing events and [until] are decided without the events of earlier queries
! 1:108: error: [x] cannot be used here
!     1 |  where true] as x [b where true] with runs=2 ![c where x.y == 1] until [d where x.y == 1]
!       |                                                                                 ^~~
!       = relations, missing events and [until] are decided without the events of earlier queries

sequence with maxspan=1m [a where true] as x with runs=2 ![c where true] as y
! 1:44: error: [x] would be the name of several events
!     1 | sequence with maxspan=1m [a where true] as x with runs=2 ![c where true] as y
!       |                                            ^
! 1:77: error: [y] would be the name of a missing event
!     1 | sequence with maxspan=1m [a where true] as x with runs=2 ![c where true] as y
!       |                                                                             ^

sequence [a where true] as x [b where child of [c where d == x.d]]
! 1:62: error: [x] cannot be used here
!     1 | sequence [a where true] as x [b where child of [c where d == x.d]]
!       |                                                              ^~~
!       = relations, missing events and [until] are decided without the events of earlier queries

sequence by x.y [a where true] as x [b where true]
! 1:13: error: [x] cannot be used here
!     1 | sequence by x.y [a where true] as x [b where true]
!       |             ^~~
!       = relations, missing events and [until] are decided without the events of earlier queries

process where cousin of [process where true]
! 1:15: error: unknown relation [cousin of]
!     1 | process where cousin of [process where true]
!       |               ^~~~~~~~~
!       = the relations are: child of, descendant of, event of

process where child of process where true
! 1:24: error: unexpected [process], expected a query in [...]
!     1 | process where child of process where true
!       |                        ^~~~~~~
!       = for example: [process where true]

process where (child of [process where true]) == true
! 1:16: error: a process relation is a condition by itself
!     1 | process where (child of [process where true]) == true
!       |                ^~~~~~~~
!       = join it to other conditions by and, or, not

process where true | head child of [a where true]
! 1:27: error: pipe [head] takes a whole number from 0, found [child of [a where true]]
!     1 | process where true | head child of [a where true]
!       |                           ^~~~~~~~~~~~~~~~~~~~~~~
!       = for example: head 5

process where descendant of [process where length(x)]
! 1:44: error: the condition must be [boolean], found [length(x)] of type [integer]
!     1 | process where descendant of [process where length(x)]
!       |                                            ^~~~~~~~~
!       = compare it with something, for example: ... != null

any where arraySearch(a, $x, $x == 1)
! 1:26: error: variables ($) are not supported
!     1 | any where arraySearch(a, $x, $x == 1)
!       |                          ^
!       = field names with $ are written in back-quotes: `$name`

process where x != (child of [process where y == 1] or z == 1)
! 1:20: error: a process relation is a condition by itself
!     1 | process where x != (child of [process where y == 1] or z == 1)
!       |                    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
!       = join it to other conditions by and, or, not
