# Categories, names, literals, comments, precedence.

process where true
+ {"event": {"category": "process"}}
+ {"event.category": ["host", "process"]}
- {"event.category": "Process"}
- {"event.category": "file"}
- {}

any where true
+ {}
+ {"event.category": "x"}

"my-cat" where true
+ {"event.category": "my-cat"}
- {"event.category": "cat"}

"""raw cat""" where true
+ {"event.category": "raw cat"}

# a quote in front of the three that end a raw string belongs to it
any where a == """x"""" and b == """"""
+ {"a": "x\"", "b": ""}
- {"a": "x", "b": ""}

any where a == "\b\t\n\f\r\"\'\\\u00e9\u{1F600}"
+ {"a": "\b\t\n\f\r\"'\\\u00e9\ud83d\ude00"}

any where a == """no \n escape"""
+ {"a": "no \\n escape"}

any where @timestamp == 5 and _x == 1
+ {"@timestamp": 5, "_x": 1}

any where `my-field` == 1 and `a.b`.c == 2 and `tick``s` == 3 and x.`in` == 4
+ {"my-field": 1, "a": {"b": {"c": 2}}, "tick`s": 3, "x.in": 4}

any where ?no.such.field == null and ? user . id != null
+ {"user": {"id": "0"}}
- {}

any where a == 1 /* outer /* inner */ still */ and // to the end
  b == 2
+ {"a": 1, "b": 2}
- {"a": 1}

any where a == 5. and b == .5 and c == 1e3 and d == 1.5E-1 and e > 99999999999999999999
+ {"a": 5, "b": 0.5, "c": 1000, "d": 0.15, "e": 1e21}
- {"a": 5, "b": 0.5, "c": 1000, "d": 0.15, "e": 5}

# or < and < not
any where a or b and not c
+ {"a": true}
+ {"b": true}
+ {"b": true, "c": false}
- {"b": true, "c": true}
- {}

# not binds weaker than a comparison
any where not a == 1
+ {"a": 2}
+ {}
- {"a": 1}

# in belongs to the primary: -(a in (1)) would be arithmetic on a boolean
any where (-a) in (-1)
+ {"a": 1}
- {"a": -1}

any where a + 2 * 3 - 1 == 7 and - -b == 4 and +c == 1
+ {"a": 2, "b": 4, "c": 1}
- {"a": 3, "b": 4, "c": 1}

any where CIDRMATCH(a, "10.0.0.0/8") and STARTSWITH~(b, "X")
+ {"a": "10.1.1.1", "b": "xyz"}

any where a not in (1, 2) and b not in~ ("X")
+ {"a": 3, "b": "y"}
+ {}
- {"a": 1, "b": "y"}
- {"a": 3, "b": "x"}

any where sequences == 1 and runs == 2 and head == 3 and as == 4
+ {"sequences": 1, "runs": 2, "head": 3, "as": 4}

any where true | head 5 | tail 2147483648 - 1 | head 0
+ {}
