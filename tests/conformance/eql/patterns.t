# ==, in: with case, no wildcards

any where x == "Cmd*"
+ {"x": "Cmd*"}
- {"x": "cmd*"}
- {"x": "Cmd1"}

any where x in ("a", "B", "c?", "d", "e", "f", "g")
+ {"x": "B"}
+ {"x": "c?"}
- {"x": "b"}
- {"x": "cx"}

any where x in~ ("a", "B", "c?", "d", "e", "f", "g")
+ {"x": "A"}
+ {"x": "b"}
+ {"x": "C?"}
- {"x": "cx"}

# : ignores case, * and ? have their meaning
any where x : "/TMP/*.s?"
+ {"x": "/tmp/.sh"}
+ {"x": "/tmp/a/b\nc.SO"}
- {"x": "/tmp/a.shx"}
- {"x": "/tmp/a.s"}

any where x like "/tmp/*.s?"
+ {"x": "/tmp/a.sh"}
- {"x": "/TMP/a.sh"}

any where x like~ ("Foo", "B?R", "*mid*", "pre*", "*post")
+ {"x": "foo"}
+ {"x": "bxr"}
+ {"x": "xMIDx"}
+ {"x": "prefix"}
+ {"x": "goalPOST"}
- {"x": "foox"}
- {"x": "post!"}

# ? is one character, however many bytes
any where x : "a?b"
+ {"x": "a\u00e9b"}
+ {"x": "a\ud83d\ude00b"}
- {"x": "ab"}
- {"x": "axxb"}

any where x : "??"
+ {"x": "\u00e9\u00e9"}
- {"x": "\u00e9"}

any where x : "*?"
+ {"x": "a"}
- {"x": ""}

any where x : ""
+ {"x": ""}
- {"x": "a"}
- {}

any where x : "*a*a*b*"
+ {"x": "xaxaxbx"}
- {"x": "axbxa"}

# only ASCII letters fold
any where x : "\u00c9"
+ {"x": "\u00c9"}
- {"x": "\u00e9"}

# no escape: a backslash is one
any where x : """\*"""
+ {"x": "\\abc"}
- {"x": "*"}

# order is by code point
any where x >= "System" and x < "System Idle"
+ {"x": "System"}
+ {"x": "System I"}
- {"x": "System Idle"}
- {"x": "system"}

# values that are no strings
any where x == "5"
+ {"x": 5}
+ {"x": 5.0}
+ {"x": "5"}
- {"x": "5.0"}
- {"x": "05"}
- {"x": true}

any where x : ("1?", "true")
+ {"x": 15}
+ {"x": true}
- {"x": 1}
- {"x": 150}

any where x : "2.*"
+ {"x": 2.0}
+ {"x": 2.75}
- {"x": 2}

any where x in ("a", "7")
+ {"x": 7}
- {"x": 8}

any where string(x) : "1*"
+ {"x": 12}
- {"x": 21}
