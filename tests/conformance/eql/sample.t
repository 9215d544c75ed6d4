# Samples: what they compile to, and what is refused.

sample by host.id [process where a == 1] [file where b == 2] [process where a == 1]
= sample, keys 1
= filter 0: process where a == 1
= filter 1: file where b == 2
= stage 0: filter 0 by host.id
= stage 1: filter 1 by host.id
= stage 2: filter 0 by host.id
= keeps host.id

sample by ?x, y [any where true] by ?z [any where t == ?y] by t
= sample, keys 3
= filter 0: any where true
= filter 1: any where ?t == y
= stage 0: filter 0 by ?x, y, ?z
= stage 1: filter 1 by ?x, y, t
= keeps x, y, z, t

sample [any where true] by a [any where true] by b
= sample, keys 1
= filter 0: any where true
= stage 0: filter 0 by a
= stage 1: filter 0 by b
= keeps a, b

sample by a [process where true]
! 1:1: error: a sample needs at least 2 queries, found [1]
!     1 | sample by a [process where true]
!       | ^~~~~~

sample [process where true] [file where true]
! 1:1: error: a sample needs at least one join key
!     1 | sample [process where true] [file where true]
!       | ^~~~~~
!       = for example: sample by host.id [...] [...]

sample by a [x where true] [x where true] [x where true] [x where true] [x where true] [x where true]
! 1:89: error: a sample cannot have more than 5 queries
!     1 | y a [x where true] [x where true] [x where true] [x where true] [x where true] [x where true]
!       |                                                                                 ^~~~~~~~~~~~

sample by a [any where 1 == 1] [any where 2 == 2] | head 1
! 1:51: error: samples do not support pipes
!     1 | sample by a [any where 1 == 1] [any where 2 == 2] | head 1
!       |                                                   ^

sample by a with maxspan=1m [any where true] [any where true]
! 1:13: error: unexpected [with], expected a query in [...]
!     1 | sample by a with maxspan=1m [any where true] [any where true]
!       |             ^~~~
!       = for example: [process where true]

sample by a [any where true] [any where true] until [any where true]
! 1:47: error: unexpected [until], expected a query in [...] or the end of the query
!     1 | sample by a [any where true] [any where true] until [any where true]
!       |                                               ^~~~~

sample by a [any where true] ![any where true]
! 1:30: error: unexpected [![], expected a query in [...]
!     1 | sample by a [any where true] ![any where true]
!       |                              ^~
!       = only sequences have missing events

sample by a [any where true] [any where true] with runs=2
! 1:47: error: unexpected [with], expected a query in [...] or the end of the query
!     1 | sample by a [any where true] [any where true] with runs=2
!       |                                               ^~~~
