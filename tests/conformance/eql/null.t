# A leaf that comes out null counts as false, its negation as true.

any where x != "a"
+ {}
+ {"x": "b"}
+ {"x": null}
- {"x": "a"}

any where not x : "a*"
+ {}
- {"x": "abc"}

any where not cidrMatch(x, "10.0.0.0/8") and not stringContains(y, "z") and z not in (1, 2)
+ {}
- {"x": "10.0.0.1"}
- {"y": "xyz"}
- {"z": 2}

any where x < 5 or x >= 5
+ {"x": 1}
- {}

any where x == null
+ {}
+ {"x": null}
+ {"x": []}
+ {"x": [null, null]}
- {"x": ""}
- {"x": false}
- {"x": [null, 0]}

any where null != x
+ {"x": ""}
- {"x": []}

any where not (x == null)
+ {"x": 0}
- {}

any where x : "*"
+ {"x": ""}
+ {"x": 7}
+ {"x": false}
- {}

# three-valued inside a leaf
any where null == (x > 1)
+ {}
- {"x": 0}
- {"x": 2}

any where (x > 1) != null
+ {"x": 0}
- {}

any where (x > 1 or true) == null
- {}
- {"x": 0}

any where string(x > 1 and y) == "true"
+ {"x": 2, "y": true}
- {"x": 2}
- {}

# f(x) == false is not f(x), so it holds when x is missing
any where startsWith(x, "a") == false
+ {}
+ {"x": "b"}
- {"x": "a"}

any where true != startsWith(x, "a")
+ {}
- {"x": "a"}

any where x in ("a", null)
+ {"x": "a"}
- {"x": "b"}
- {}

any where not x in ("a", null)
+ {"x": "b"}
+ {}
- {"x": "a"}

# a bare field
any where flag
+ {"flag": true}
+ {"flag": "true"}
- {"flag": false}
- {"flag": 1}
- {}

any where not flag
+ {"flag": false}
+ {}
- {"flag": true}

any where flag == false
+ {"flag": false}
- {}

# constants that fold to null are never true
any where null
- {}

any where not null
- {}

any where not (x == 1 and null)
+ {"x": 1}
+ {}

any where null == null and 1 != null and (null != null) == false and concat("a", null) == null
+ {}

# two optional fields, both missing, are equal
any where ?a == ?b
+ {}
+ {"a": 1, "b": 1}
- {"a": 1}
- {"a": 1, "b": 2}

# an optional field may stand beside another field: only == makes something of two missing ones
any where ?a < b
- {}
+ {"a": 1, "b": 2}
- {"a": 1}

any where a != ?b
- {}
+ {"a": 1}
