# Sequences: what they compile to, and what is refused.

sequence by user.name, ?host.id with maxspan=5m
  [file where file.name == "a"] by file.path
  [process where process.name : "A*"] by process.executable
until [process where event.type == "end"] by process.executable | head 4 | tail 2
= sequence, keys 3, maxspan 300000 ms
= filter 0: file where file.name == "a"
= filter 1: process where process.name : "a*"
= filter 2: process where event.type == "end"
= stage 0: filter 0 by user.name, ?host.id, file.path
= stage 1: filter 1 by user.name, ?host.id, process.executable
= until: filter 2 by user.name, ?host.id, process.executable
= keeps file.path, host.id, process.executable, user.name
= head 4
= tail 2

# equal filters are one, whatever they look like; runs are stages
sequence [process where a in ("x", "y")] with runs=3 [process where a in ("y", "x", "x")]
  [any where a in ("x", "y")]
= sequence, keys 0
= filter 0: process where a in ("x", "y")
= filter 1: any where a in ("x", "y")
= stage 0: filter 0
= stage 1: filter 0
= stage 2: filter 0
= stage 3: filter 0
= stage 4: filter 1

sequence [any where true] with runs=2
= sequence, keys 0
= filter 0: any where true
= stage 0: filter 0
= stage 1: filter 0

sequence with maxspan=500ms ![a where true] [b where true] ![a where true] with runs=2
= sequence, keys 0, maxspan 500 ms
= filter 0: a where true
= filter 1: b where true
= stage 0: missing filter 0
= stage 1: filter 1
= stage 2: missing filter 0
= stage 3: missing filter 0

# Elasticsearch reads the ! of an until and takes no notice of it
sequence with maxspan=2h [a where true] [b where true] until ![c where true]
= sequence, keys 0, maxspan 7200000 ms
= filter 0: a where true
= filter 1: b where true
= filter 2: c where true
= stage 0: filter 0
= stage 1: filter 1
= until: filter 2

# a field in front of a bracket is no array
sequence by x [a where b == c.d or true] by y [b where true] by z
! 1:24: error: comparisons between fields are not supported
!     1 | sequence by x [a where b == c.d or true] by y [b where true] by z
!       |                        ^~~~~~~~
!       = one side of a comparison must be a constant

sequence by `odd name`, x with maxspan=1d [a where true] [b where true]
= sequence, keys 2, maxspan 86400000 ms
= filter 0: a where true
= filter 1: b where true
= stage 0: filter 0 by `odd name`, x
= stage 1: filter 1 by `odd name`, x
= keeps odd name, x

sequence with maxspan=1s [a where true] [b where true] until [c where true] with runs=1
= sequence, keys 0, maxspan 1000 ms
= filter 0: a where true
= filter 1: b where true
= filter 2: c where true
= stage 0: filter 0
= stage 1: filter 1
= until: filter 2

# keys whose types cannot be equal
sequence [process where true] by process.pid [process where true] by process.name
! 1:70: error: join key [process.name] of type [string] cannot equal [process.pid] of type [integer]
!     1 | sequence [process where true] by process.pid [process where true] by process.name
!       |                                                                      ^~~~~~~~~~~~
!       = keys are matched by their place: first with first

sequence [a where true] by x, process.pid [b where true] by y, z [c where true] by process.pid, process.name
! 1:97: error: join key [process.name] of type [string] cannot equal [process.pid] of type [integer]
!     1 | e true] by x, process.pid [b where true] by y, z [c where true] by process.pid, process.name
!       |                                                                                 ^~~~~~~~~~~~
!       = keys are matched by their place: first with first

# refused
sequence by x [process where true]
! 1:1: error: a sequence needs at least 2 queries, found [1]
!     1 | sequence by x [process where true]
!       | ^~~~~~~~
!       = one event is a query by itself, without sequence

sequence [file where true] [process where true] by field1
! 1:49: error: inconsistent number of join keys: expected [0], found [1]
!     1 | sequence [file where true] [process where true] by field1
!       |                                                 ^~~~~~~~~
!       = every query needs as many keys as the first one

sequence by a [x where true] by b [y where true]
! 1:36: error: inconsistent number of join keys: expected [1], found [0]
!     1 | sequence by a [x where true] by b [y where true]
!       |                                    ^~~~~~~~~~~~
!       = every query needs as many keys as the first one

sequence [x where true] by a [y where true] by b until [z where true]
! 1:57: error: inconsistent number of join keys: expected [1], found [0]
!     1 | sequence [x where true] by a [y where true] by b until [z where true]
!       |                                                         ^~~~~~~~~~~~
!       = every query needs as many keys as the first one

sequence by a == 1 [x where true] [y where true]
! 1:13: error: a join key must be a field, found [a == 1]
!     1 | sequence by a == 1 [x where true] [y where true]
!       |             ^~~~~~

sequence with maxspan=0.5s [x where true] [y where true]
! 1:23: error: maxspan must be a whole number, found [0.5]
!     1 | sequence with maxspan=0.5s [x where true] [y where true]
!       |                       ^~~
!       = write it in a smaller unit: 1500ms

sequence with maxspan=30 [x where true] [y where true]
! 1:23: error: maxspan without a unit of time
!     1 | sequence with maxspan=30 [x where true] [y where true]
!       |                       ^~
!       = did you mean [30s]?

sequence with maxspan=3w [x where true] [y where true]
! 1:24: error: unknown unit of time [w]
!     1 | sequence with maxspan=3w [x where true] [y where true]
!       |                        ^
!       = the units are: ms, s, m, h, d

sequence with maxspan=0s [x where true] [y where true]
! 1:23: error: maxspan must be more than 0, found [0]
!     1 | sequence with maxspan=0s [x where true] [y where true]
!       |                       ^

sequence with maxspan=99999999999d [x where true] [y where true]
! 1:23: error: maxspan is longer than 292 years
!     1 | sequence with maxspan=99999999999d [x where true] [y where true]
!       |                       ^~~~~~~~~~~
!       = leave out: with maxspan

sequence with maxspan=1s by key [x where true] [y where true]
! 1:26: error: [by] must stand before [with]
!     1 | sequence with maxspan=1s by key [x where true] [y where true]
!       |                          ^~
!       = write: sequence by ... with maxspan=...

sequence with runs=3 [x where true] [y where true]
! 1:15: error: unexpected [runs], expected [maxspan]
!     1 | sequence with runs=3 [x where true] [y where true]
!       |               ^~~~

sequence [x where true] with repeat=3 [y where true]
! 1:30: error: unexpected [repeat], expected [runs]
!     1 | sequence [x where true] with repeat=3 [y where true]
!       |                              ^~~~~~
!       = for example: with runs=3

sequence [x where true] with runs=101 [y where true]
! 1:35: error: a query can be repeated from 1 to 100 times, found [101]
!     1 | sequence [x where true] with runs=101 [y where true]
!       |                                   ^~~

sequence [x where true] with runs=0 [y where true]
! 1:35: error: a query can be repeated from 1 to 100 times, found [0]
!     1 | sequence [x where true] with runs=0 [y where true]
!       |                                   ^

sequence [x where true] with runs=100 [x where true] with runs=100 [x where true] with runs=57
! 1:69: error: a sequence cannot have more than 256 queries
!     1 | sequence [x where true] with runs=100 [x where true] with runs=100 [x where true] with runs=57
!       |                                                                     ^~~~~~~~~~~~

sequence [x where true] [y where true] until [z where true] with runs=2
! 1:71: error: [until] cannot be repeated
!     1 | sequence [x where true] [y where true] until [z where true] with runs=2
!       |                                                                       ^

sequence [x where true] ![y where true]
! 1:27: error: a sequence with missing events needs [maxspan]
!     1 | sequence [x where true] ![y where true]
!       |                           ^~~~~~~~~~~~
!       = for example: sequence with maxspan=1m

sequence with maxspan=1m ![x where true] ![y where true]
! 1:1: error: a sequence needs at least one query that is not missing
!     1 | sequence with maxspan=1m ![x where true] ![y where true]
!       | ^~~~~~~~

sequence [x where true] as p0 [y where true]
! 1:25: error: [as] is not supported
!     1 | sequence [x where true] as p0 [y where true]
!       |                         ^~
!       = names for events exist only in Elastic Endpoint; what two events have in common is written: by

sequence [x where true] [y where true] fork=true
! 1:40: error: unexpected [fork], expected a query in [...], [until], [|] or the end of the query
!     1 | sequence [x where true] [y where true] fork=true
!       |                                        ^~~~

sequence x where true
! 1:10: error: unexpected [x], expected a query in [...]
!     1 | sequence x where true
!       |          ^
!       = for example: [process where true]

sequence [x where true [y where true]
! 1:24: error: unexpected [[], expected [and], [or] or []]
!     1 | sequence [x where true [y where true]
!       |                        ^

process where not ![file where true]
! 1:19: error: unexpected [![], expected a field, a value, a function or [(]
!     1 | process where not ![file where true]
!       |                   ^~
!       = missing events, ![...], belong to sequences; negation is written: not ...
