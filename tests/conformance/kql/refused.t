a: (x or y
! 1:10: error: expected [and], [or] or a closing [)], found the end
!     1 | a: (x or y
!       |          ^

a:
! 1:2: error: expected a value, found the end
!     1 | a:
!       |  ^

a: x) or b: y
! 1:5: error: expected [and], [or] or the end, found [)]
!     1 | a: x) or b: y
!       |     ^
!       = a value with special characters needs quotes

a: "x
! 1:4: error: this text has no closing quote
!     1 | a: "x
!       |    ^
!       = a quote within the text is written \"

a: x
or b: {
! 2:7: error: expected a field or a value, found the end
!     2 | or b: {
!       |       ^

a: b: c
! 1:5: error: expected [and], [or] or the end, found [:]
!     1 | a: b: c
!       |     ^
!       = a value with special characters needs quotes

not not a: x
! 1:5: error: expected a field or a value, found [not]
!     1 | not not a: x
!       |     ^~~
!       = [not] followed by a blank is a keyword, also at the end of a word; put the text in quotes

a: knot b
! 1:5: error: expected [and], [or] or the end, found [not]
!     1 | a: knot b
!       |     ^~~
!       = [not] followed by a blank is a keyword, also at the end of a word; put the text in quotes

not(a: x)
! 1:4: error: expected [and], [or] or the end, found [(]
!     1 | not(a: x)
!       |    ^
!       = [and], [or] and [not] need a blank on both sides; a value with parentheses needs quotes

()
! 1:2: error: expected a field or a value, found [)]
!     1 | ()
!       |  ^
!       = a value with special characters needs quotes

a > *
! 1:5: error: nothing can be compared with this
!     1 | a > *
!       |     ^
!       = a number, a date, an address or a text

a: null
! 1:4: error: null is not a value
!     1 | a: null
!       |    ^~~~
!       = a field without a value is found by `not field: *`

"": x
! 1:1: error: this is not a field
!     1 | "": x
!       | ^~
!       = a name, as in process.name: "sh"

process.pid: abc
! 1:14: error: [abc] does not fit [process.pid], a field of type long
!     1 | process.pid: abc
!       |              ^~~
!       = a number

process.pid: (1 or "2" or 3x)
! 1:27: error: [3x] does not fit [process.pid], a field of type long
!     1 | process.pid: (1 or "2" or 3x)
!       |                           ^~
!       = a number

process.pid: 1*
! 1:14: error: [1*] does not fit [process.pid], a field of type long
!     1 | process.pid: 1*
!       |              ^~
!       = patterns are for fields with text; a lone * asks for any value

process.interactive: yes
! 1:22: error: [yes] does not fit [process.interactive], a field of type boolean
!     1 | process.interactive: yes
!       |                      ^~~
!       = true or false

process.start: yesterday
! 1:16: error: [yesterday] does not fit [process.start], a field of type date
!     1 | process.start: yesterday
!       |                ^~~~~~~~~
!       = a date, as in 2024-01-31 or 2024-01-31T12:00:00Z

process.start > 2023-02-29
! 1:17: error: [2023-02-29] does not fit [process.start], a field of type date
!     1 | process.start > 2023-02-29
!       |                 ^~~~~~~~~~
!       = a date, as in 2024-01-31 or 2024-01-31T12:00:00Z
