any where add(1, 2) == 3 and subtract(1, 2) == -1 and multiply(2, 1.5) == 3.0 and divide(9, 2) == 4
+ {}

any where between(x, "<", ">") == "b"
+ {"x": "a<b>c>"}
- {"x": "a<b"}

any where between(x, "<", ">", true) == "b>c"
+ {"x": "a<b>c>"}

any where between~(x, "S", "E") == "yst"
+ {"x": "System"}

any where between(x, "q", "z") == null and between("abc", "", "c") == "ab" and between("abc", "", "") == ""
+ {"x": "abc"}
+ {}
- {"x": "qz"}

any where cidrMatch(ip, "10.6.48.157/8", "fe80::/10", "::1")
+ {"ip": "10.255.0.1"}
+ {"ip": "FE80::1"}
+ {"ip": "0:0:0:0:0:0:0:1"}
+ {"ip": ["192.0.2.1", "10.0.0.1"]}
+ {"ip": "::ffff:10.1.1.1"}
- {"ip": "11.0.0.1"}
- {"ip": "::2"}
- {"ip": "not an address"}
- {"ip": 10}
- {}

any where cidrMatch(ip, "0.0.0.0/0")
+ {"ip": "203.0.113.9"}
- {"ip": "2001:db8::1"}

any where concat(x, "-", 1, "-", true, "-", 2.0) == "a-1-true-2.0" and concat(x, null) == null
+ {"x": "a"}
- {"x": "b"}

any where endsWith(x, ".sh") and not endsWith(x, "TMP.sh") and endsWith~(x, "TMP.SH")
+ {"x": "a.tmp.sh"}

any where indexOf(x, "a") == 1 and indexOf(x, "a", 2) == 3 and indexOf(x, "a", -5) == 1 and indexOf(x, "q") == null
+ {"x": "banana"}
- {"x": "ban"}

any where indexOf~(x, "NA", null) == 2 and indexOf("abc", "", 9) == 3 and indexOf("abc", "c", 9) == null
+ {"x": "banana"}

# UTF-16 units: a character beyond U+FFFF counts two
any where length(x) == 4 and indexOf(x, "b") == 3 and substring(x, 3) == "b" and substring(x, 1, 3) == "\u{1F600}"
+ {"x": "a\ud83d\ude00b"}

any where length("") == 0 and length(null) == null and length("\u00e9") == 1
+ {}

any where number(x) == 255
+ {"x": "255"}
+ {"x": " +255 "}
+ {"x": "0xff"}
+ {"x": "0XFF"}
+ {"x": "255.0"}
- {"x": "ff"}
- {"x": ""}

any where number(x, 16) == 255 or number(x, 2) == -5
+ {"x": "fF"}
+ {"x": "0xff"}
+ {"x": "-101"}

any where number("3.5") == 3.5 and number("777", 8) == 511 and number(null) == null and number("1", null) == 1
+ {}

any where startsWith(x, "Foo") and startsWith(x, "") and startsWith~(x, "fOO")
+ {"x": "FooBar"}
- {"x": "foobar"}

any where string(1) == "1" and string(2.0) == "2.0" and string(true) == "true" and string("x") == "x"
+ {}

any where string(1e7) == "1.0E7" and string(1234567.5) == "1234567.5" and string(0.001) == "0.001" and string(0.00015) == "1.5E-4" and string(1e-3 / -8) == "-1.25E-4" and string(1.0 / 0.0) == "Infinity" and string(100.0) == "100.0"
+ {}

any where stringContains(x, "oB") and stringContains~(x, "OB") and not stringContains(x, "") and not stringContains(x, "OB")
+ {"x": "FooBar"}

any where substring(x, 0, 4) == "hell" and substring(x, -2) == "lo" and substring(x, -4, -1) == "ell" and substring(x, -99, 99) == "hello" and substring(x, 9) == "" and substring(x, 3, 1) == "" and substring(x, null, 2) == "he"
+ {"x": "hello"}

# text functions take the text form of what is no string
any where startsWith(x, "1") and length(x) == 3
+ {"x": 123}
- {"x": 223}
