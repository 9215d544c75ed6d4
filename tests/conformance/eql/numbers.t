any where x == 3
+ {"x": 3}
+ {"x": 3.0}
+ {"x": "3"}
- {"x": 4}
- {"x": "three"}
- {"x": true}

any where 7 / 3 == 2 and -7 / 2 == -3 and -7 % 2 == -1 and modulo(10, -6) == 4
+ {}

any where 7 / 2.0 == 3.5 and 7.5 % 2 == 1.5 and 1 / 0.0 > 1e308
+ {}

any where x / 2 == 41
+ {"x": 82}
+ {"x": 83}
- {"x": 82.5}
- {"x": 84}

# a value that cannot be computed makes the leaf false
any where 10 / x == 5 or y
+ {"x": 2}
- {"x": 0}
+ {"x": 0, "y": true}
+ {"x": [0, 2]}

any where not 10 / x == 5
+ {"x": 0}
- {"x": 2}

any where x + 1 == 2
- {"x": "1"}
+ {"x": 1}

# beyond 64 bits integers become doubles
any where 9223372036854775807 + 1 == 9223372036854775808 and -9223372036854775807 - 2 < 0
+ {}

any where x * 4 > 9223372036854775807
+ {"x": 4611686018427387904}
- {"x": 1}

any where x + 1 > 0 and -x > 0
+ {"x": [9223372036854775807, -9223372036854775808]}

any where 3 == 3.0 and 3 < 3.5 and not 3 == "x" and 5 > "4"
+ {}

any where x > 1 and x != 5 and 10 >= x
+ {"x": 2}
+ {"x": 10}
- {"x": 5}
- {"x": 11}

any where x in (1, 2.5, null)
+ {"x": 1.0}
+ {"x": "2.5"}
- {"x": 2}

any where process.pid == "5"
+ {"process.pid": 5}
- {"process.pid": 6}

any where flag > false
+ {"flag": true}
- {"flag": false}
- {"flag": 1}
