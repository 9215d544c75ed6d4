# What is refused, and with which words.
! 1:1: error: the query ends where an event category is expected
!       = a query begins: process where ..., any where ..., "my-category" where ...

join by x [a where true] [b where true] until [c where true] | head 1
! 1:1: error: joins are not supported
!     1 | join by x [a where true] [b where true] until [c where true] | head 1
!       | ^~~~
!       = write a sequence, or a sample if order does not matter

join [a where true]
! 1:1: error: a join needs at least 2 queries, found [1]
!     1 | join [a where true]
!       | ^~~~

process where a = 1
! 1:17: error: [=] is not an operator
!     1 | process where a = 1
!       |                 ^
!       = write == to compare exactly, : to ignore case

process where a == 'x' and b == ?"y"
! 1:20: error: single-quoted strings are no longer supported
!     1 | process where a == 'x' and b == ?"y"
!       |                    ^~~
!       = write it in double quotes: "..."
! 1:33: error: strings with ? before the quote are no longer supported
!     1 | process where a == 'x' and b == ?"y"
!       |                                 ^~~~
!       = write it in three double quotes: """..."""

process where wildcard(a, "x*") or startWith(a, "x") or frobnicate(a)
! 1:15: error: unknown function [wildcard]
!     1 | process where wildcard(a, "x*") or startWith(a, "x") or frobnicate(a)
!       |               ^~~~~~~~
!       = write: field : "pattern", or like to respect case
! 1:36: error: unknown function [startWith]
!     1 | process where wildcard(a, "x*") or startWith(a, "x") or frobnicate(a)
!       |                                    ^~~~~~~~~
!       = did you mean [startsWith]?
! 1:57: error: unknown function [frobnicate]
!     1 | process where wildcard(a, "x*") or startWith(a, "x") or frobnicate(a)
!       |                                                         ^~~~~~~~~~

process where length(a)
! 1:15: error: the condition must be [boolean], found [length(a)] of type [integer]
!     1 | process where length(a)
!       |               ^~~~~~~~~
!       = compare it with something, for example: ... != null

process where process.pid : "5*"
! 1:15: error: first argument of [:] must be [string], found [process.pid] of type [integer]
!     1 | process where process.pid : "5*"
!       |               ^~~~~~~~~~~
!       = consider using [==] or [in] instead

process where process.name
! 1:15: error: the condition must be [boolean], found [process.name] of type [string]
!     1 | process where process.name
!       |               ^~~~~~~~~~~~
!       = compare it with something, for example: ... != null

process where process.interactive == "yes"
! 1:38: error: [process.interactive] is of type [boolean], "yes" is not
!     1 | process where process.interactive == "yes"
!       |                                      ^~~~~

process where process.pid == "abc"
! 1:30: error: [process.pid] is of type [integer], "abc" is not
!     1 | process where process.pid == "abc"
!       |                              ^~~~~

process where between() == "x" and between(a, "s", "e", 1) == "x" and length~(a) > 1
! 1:15: error: [between] takes 3 or 4 arguments, found 0
!     1 | process where between() == "x" and between(a, "s", "e", 1) == "x" and length~(a) > 1
!       |               ^~~~~~~~~
! 1:57: error: fourth argument of [between] must be [boolean], found [1] of type [integer]
!     1 | process where between() == "x" and between(a, "s", "e", 1) == "x" and length~(a) > 1
!       |                                                         ^
!       = write true or false
! 1:71: error: function [length] has no case-insensitive form
!     1 | process where between() == "x" and between(a, "s", "e", 1) == "x" and length~(a) > 1
!       |                                                                       ^~~~~~~
!       = leave out the ~

process where cidrMatch(a, "10.0.0.0/99") and cidrMatch(a, b) and cidrMatch(process.pid, "::1")
! 1:28: error: "10.0.0.0/99" is no valid CIDR range
!     1 | process where cidrMatch(a, "10.0.0.0/99") and cidrMatch(a, b) and cidrMatch(process.pid, "::1")
!       |                            ^~~~~~~~~~~~~
!       = write an address or a range: "10.0.0.0/8", "fe80::/10", "::1"
! 1:60: error: second argument of [cidrMatch] must be a constant
!     1 | process where cidrMatch(a, "10.0.0.0/99") and cidrMatch(a, b) and cidrMatch(process.pid, "::1")
!       |                                                            ^
!       = for example: "10.0.0.0/8"
! 1:77: error: first argument of [cidrMatch] must be [ip], found [process.pid] of type [integer]
!     1 | process where cidrMatch(a, "10.0.0.0/99") and cidrMatch(a, b) and cidrMatch(process.pid, "::1")
!       |                                                                             ^~~~~~~~~~~

process where number(1) == 1 and number(a, 1.0) == 1 and startsWith(5, "x")
! 1:22: error: first argument of [number] must be [string], found [1] of type [integer]
!     1 | process where number(1) == 1 and number(a, 1.0) == 1 and startsWith(5, "x")
!       |                      ^
!       = string(...) turns a number into its text
! 1:44: error: second argument of [number] must be [integer], found [1.0] of type [double]
!     1 | process where number(1) == 1 and number(a, 1.0) == 1 and startsWith(5, "x")
!       |                                            ^~~
! 1:69: error: first argument of [startsWith] must be [string], found [5] of type [integer]
!     1 | process where number(1) == 1 and number(a, 1.0) == 1 and startsWith(5, "x")
!       |                                                                     ^
!       = string(...) turns a number into its text

process where a == b and c in (d, 1) and length(e) == length(f)
! 1:15: error: comparisons between fields are not supported
!     1 | process where a == b and c in (d, 1) and length(e) == length(f)
!       |               ^~~~~~
!       = one side of a comparison must be a constant
! 1:32: error: comparisons between fields are not supported
!     1 | process where a == b and c in (d, 1) and length(e) == length(f)
!       |                                ^
!       = a list holds constants only
! 1:42: error: comparisons between fields are not supported
!     1 | process where a == b and c in (d, 1) and length(e) == length(f)
!       |                                          ^~~~~~~~~~~~~~~~~~~~~~
!       = one side of a comparison must be a constant

process where a in (1, "x")
! 1:24: error: third argument of [in] must be [integer], found ["x"] of type [string]
!     1 | process where a in (1, "x")
!       |                        ^~~
!       = all values of a list must be of one type, that of the left side

process where a < b <= c
! 1:21: error: comparisons cannot be chained
!     1 | process where a < b <= c
!       |                     ^~
!       = write: a < b and b < c; to compare a result use parentheses

process where a : b
! 1:19: error: unexpected [b], expected a constant
!     1 | process where a : b
!       |                   ^
!       = the right side of :, like and regex is a string, or several in parentheses

process where a : (1, "x")
! 1:20: error: second argument of [:] must be [string], found [1] of type [integer]
!     1 | process where a : (1, "x")
!       |                    ^
!       = patterns are strings; to compare other values use [==] or [in]

process where a regex """\bx""" or a regex "(x" or a regex "~ab"
! 1:23: error: invalid regular expression: [\b] is not an escape in Lucene's syntax (it knows \d \D \s \S \w \W)
!     1 | process where a regex """\bx""" or a regex "(x" or a regex "~ab"
!       |                       ^~~~~~~~~
!       = at character 1 of the pattern
! 1:44: error: invalid regular expression: ( without )
!     1 | process where a regex """\bx""" or a regex "(x" or a regex "~ab"
!       |                                            ^~~~
!       = at character 1 of the pattern
! 1:60: error: invalid regular expression: [~] is supported only where the pattern ends with it; for the character write \~
!     1 | process where a regex """\bx""" or a regex "(x" or a regex "~ab"
!       |                                                            ^~~~~
!       = at character 1 of the pattern

process where 1 / 0 == 1
! 1:15: error: this constant has no value: division by zero
!     1 | process where 1 / 0 == 1
!       |               ^~~~~

process where number("x") == 1
! 1:15: error: this constant has no value: number() of a text that is no number
!     1 | process where number("x") == 1
!       |               ^~~~~~~~~~~

process where event.sequence == 1
! 1:21: error: unexpected [sequence], expected a field name
!     1 | process where event.sequence == 1
!       |                     ^~~~~~~~
!       = [sequence] is a keyword; as part of a field name write it in back-quotes: `sequence`

process where a[0] == 1
! 1:16: error: array indexes are not supported
!     1 | process where a[0] == 1
!       |                ^
!       = a condition on a field with several values holds if any of them fits

process where descendant of [file where true]
! 1:15: error: process relationships are not supported
!     1 | process where descendant of [file where true]
!       |               ^~~~~~~~~~~~~
!       = relations between processes (child of, descendant of) exist only in Elastic Endpoint; use process.parent.* fields or a sequence

process where a !: "x"
! 1:17: error: [!:] is not an operator
!     1 | process where a !: "x"
!       |                 ^~
!       = write: not field : "value"

process where ! a
! 1:15: error: [!] is not an operator
!     1 | process where ! a
!       |               ^
!       = negation is written: not ...

process where a && b
! 1:17: error: [&&] is not an operator
!     1 | process where a && b
!       |                 ^~
!       = write: and

process where a == "x
! 1:20: error: string without an end
!     1 | process where a == "x
!       |                    ^
!       = close it with " on the same line; \n writes a line break

process where a == "\q" or a == "\u{D}" or a == "\u{0000}"
! 1:21: error: unknown escape
!     1 | process where a == "\q" or a == "\u{D}" or a == "\u{0000}"
!       |                     ^~
!       = a backslash is written \\; in """raw strings""" it needs no escape
! 1:34: error: malformed Unicode escape
!     1 | process where a == "\q" or a == "\u{D}" or a == "\u{0000}"
!       |                                  ^~~~
!       = write \uXXXX, or \u{X...} with two to eight hexadecimal digits
! 1:50: error: invalid character code [0]
!     1 | process where a == "\q" or a == "\u{D}" or a == "\u{0000}"
!       |                                                  ^~~~~~~~
!       = null, surrogates and numbers beyond 10FFFF are no characters

process where a == """x
! 1:20: error: raw string without an end
!     1 | process where a == """x
!       |                    ^~~
!       = close it with """ on the same line

process where /* a
! 1:15: error: comment without an end
!     1 | process where /* a
!       |               ^~
!       = close it with */; comments nest

process where (a == 1
! 1:22: error: the query ends where [)] is expected
!     1 | process where (a == 1
!       |                      ^

process where a in ()
! 1:21: error: unexpected [)], expected a value
!     1 | process where a in ()
!       |                     ^
!       = remove the comma, or the empty parentheses

process where a in (1,)
! 1:23: error: unexpected [)], expected a value
!     1 | process where a in (1,)
!       |                       ^
!       = remove the comma, or the empty parentheses

process where
! 1:14: error: the query ends where a field, a value, a function or [(] is expected
!     1 | process where
!       |              ^

process a == 1
! 1:9: error: unexpected [a], expected [where]
!     1 | process a == 1
!       |         ^
!       = for example: process where process.name == "sh"

42 where true
! 1:1: error: unexpected [42], expected an event category
!     1 | 42 where true
!       | ^~
!       = a query begins: process where ..., any where ..., "my-category" where ...

`process` where true
! 1:1: error: unexpected [`process`], expected an event category
!     1 | `process` where true
!       | ^~~~~~~~~
!       = a category that is no plain name is written as a string: "my-category"

process where true | count
! 1:22: error: unsupported pipe [count]
!     1 | process where true | count
!       |                      ^~~~~
!       = Elasticsearch has only head and tail

process where true | hed 5
! 1:22: error: unrecognized pipe [hed]
!     1 | process where true | hed 5
!       |                      ^~~
!       = the pipes are head and tail

process where true | head -1
! 1:27: error: pipe [head] takes a whole number from 0, found [-1]
!     1 | process where true | head -1
!       |                           ^~
!       = for example: head 5

process where true | head "5" | tail x | head 1, 2
! 1:42: error: pipe [head] takes exactly one argument, found 2
!     1 | process where true | head "5" | tail x | head 1, 2
!       |                                          ^~~~~~~~~
!       = for example: head 5

process where true | head
! 1:22: error: pipe [head] takes exactly one argument, found 0
!     1 | process where true | head
!       |                      ^~~~
!       = for example: head 5

process where true || false
! 1:21: error: unexpected [|], expected a pipe's name
!     1 | process where true || false
!       |                     ^
!       = alternatives are written with: or

process where a == 1 b == 2
! 1:22: error: unexpected [b], expected [and], [or], [|] or the end of the query
!     1 | process where a == 1 b == 2
!       |                      ^

process where 5 and not "x"
! 1:25: error: argument of [not] must be [boolean], found ["x"] of type [string]
!     1 | process where 5 and not "x"
!       |                         ^~~
!       = compare it with something, for example: ... != null
! 1:15: error: argument of [and] must be [boolean], found [5] of type [integer]
!     1 | process where 5 and not "x"
!       |               ^
!       = compare it with something, for example: ... != null

process where a + "x" == 5 and -true == 1
! 1:19: error: second argument of [+] must be [numeric], found ["x"] of type [string]
!     1 | process where a + "x" == 5 and -true == 1
!       |                   ^~~
! 1:33: error: first argument of [-] must be [numeric], found [true] of type [boolean]
!     1 | process where a + "x" == 5 and -true == 1
!       |                                 ^~~~

process where a == $x
! 1:20: error: variables ($) are not supported
!     1 | process where a == $x
!       |                    ^
!       = field names with $ are written in back-quotes: `$name`

process where a like~
  "x" and
  b == == 5
! 3:8: error: unexpected [==], expected a field, a value, a function or [(]
!     3 |   b == == 5
!       |        ^~
