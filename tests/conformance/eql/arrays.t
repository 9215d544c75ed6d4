# A leaf holds if any value makes it hold; each leaf chooses for itself.

any where args == "-i" and args == "-c"
+ {"args": ["sh", "-i", "-c"]}
- {"args": ["sh", "-i"]}

any where n > 5 and n < 3
+ {"n": [1, 9]}
- {"n": 4}

any where args != "b"
+ {"args": ["a", "c"]}
+ {"args": []}
- {"args": ["a", "b"]}

any where not args : ("b*", "z")
+ {"args": ["a"]}
- {"args": ["a", "box"]}

any where length(args) > 3
+ {"args": ["a", "long"]}
- {"args": ["a", "b", "c", "d"]}

# nested arrays and nulls in them
any where a == 2
+ {"a": [[1, null], [2]]}
- {"a": [[1, null], [null]]}

any where a.b == "x"
+ {"a": [{"b": "y"}, {"b": ["z", "x"]}]}

# one field twice in a leaf has one value at a time
any where concat(a, a) == "xy"
- {"a": ["x", "y"]}

any where concat(a, b) == "xy"
+ {"a": ["q", "x"], "b": ["y", "r"]}
- {"a": ["y"], "b": ["x"]}

any where concat(a, b) == null
+ {"a": ["q", "x"]}
- {"a": "q", "b": "r"}

any where a not in ("x", "y")
+ {"a": ["p", "q"]}
- {"a": ["p", "y"]}
