# not binds closer than and, and closer than or; none of them knows case

a: 1 or b: 1 and not c: 1
+ {"a": 1}
+ {"b": 1}
+ {"a": 1, "c": 1}
- {"b": 1, "c": 1}
- {}

(a: 1 or b: 1) and c: 1
+ {"a": 1, "c": 1}
+ {"b": 1, "c": 1}
- {"a": 1}

a: 1 AND b: 1 Or NOT c: 1
+ {}
+ {"a": 1, "b": 1, "c": 1}
- {"a": 1, "c": 1}

not (a: 1 or b: 1)
+ {"c": 1}
- {"a": 1}
- {"b": 1}

not not_a_keyword: x
+ {}
- {"not_a_keyword": "x"}

order: x and android: y
+ {"order": "x", "android": "y"}
- {"order": "x"}

# lists of values
a: (x or y)
+ {"a": "x"}
+ {"a": "y"}
- {"a": "z"}

a: (x and y)
+ {"a": ["x", "y", "z"]}
- {"a": ["x", "z"]}

a: (x and not y)
+ {"a": "x"}
- {"a": ["x", "y"]}
- {}

a: (not x)
+ {}
+ {"a": "y"}
- {"a": "x"}

a: (* and not (x or "y" or z*))
+ {"a": "b"}
- {"a": "x"}
- {"a": ["b", "zz"]}
- {}

a: ( ( x or y ) and ( z or 1 ) )
+ {"a": ["x", "1"]}
- {"a": "x"}

not a: (x or y) and b: z
+ {"b": "z"}
- {"a": "x", "b": "z"}

a: x or a: y* or a: (z or 1)
+ {"a": "x"}
+ {"a": "yy"}
+ {"a": 1}
- {"a": "zz"}

# white space, also lines, and none where none is needed
a:x
and
	( b:(y) )
+ {"a": "x", "b": "y"}
- {"a": "x"}

a  :  x
+ {"a": "x"}

# a blank is needed beside a keyword: this is one value
a: x or
+ {"a": "x or"}
- {"a": "x"}

a: xor y
+ {"a": "xor y"}

# no-break spaces are white space
a: x or b: y
+ {"b": "y"}

# everything and nothing
*:*
+ {}
+ {"a": 1}

*
+ {}

not *:*
- {}

  
+ {}
