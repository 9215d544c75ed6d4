# anchored at both ends, . is any character
any where x regex "a.c"
+ {"x": "abc"}
+ {"x": "a\nc"}
+ {"x": "a\u00e9c"}
- {"x": "xabc"}
- {"x": "abcd"}
- {"x": "ABC"}

any where x regex~ "a[b-d]+"
+ {"x": "ABCD"}
- {"x": "AE"}

# only ASCII letters fold: U+212A is no k
any where x regex~ "k"
+ {"x": "K"}
- {"x": "\u212a"}

any where x regex ("a+", "b{2,3}", "c{2}", "d{1,}")
+ {"x": "aaa"}
+ {"x": "bbb"}
+ {"x": "cc"}
+ {"x": "dddd"}
- {"x": "b"}
- {"x": "ab"}

# no lazy quantifiers, no possessive ones: .*? is (.*)?
any where x regex ".*?net1.*?" and x regex "a*+a.*"
+ {"x": "aa net1 user"}
- {"x": "net1"}

any where x regex """[^-]*[0-9_\-\\.\s]+(foo|bar)?"""
+ {"x": "abc7\\ .foo"}
- {"x": "abc"}

any where x regex """\d\D\w\W\s\S"""
+ {"x": "1aa- b"}
- {"x": "1aaa b"}

# literal: ^ $, a leading quantifier, closing brackets
any where x regex "^a$" or x regex "*a" or x regex "a]}" or x regex "[]a]+"
+ {"x": "^a$"}
+ {"x": "*a"}
+ {"x": "a]}"}
+ {"x": "]a]"}
- {"x": "b"}
- {"x": "]b"}

# Lucene's own operators
any where x regex "a@b" or x regex """"x.*y"z""" or x regex "n<5-12>" or x regex "m<05-12>"
+ {"x": "a anything b"}
+ {"x": "x.*yz"}
+ {"x": "n7"}
+ {"x": "n0012"}
+ {"x": "m05"}
- {"x": "xxyz"}
- {"x": "n13"}
- {"x": "m5"}
- {"x": "m005"}

any where x regex "a~(b+)" and not y regex "#"
+ {"x": "a"}
+ {"x": "abc"}
- {"x": "abb"}

any where x regex "v(.*1.*&.*2.*)"
+ {"x": "v21"}
+ {"x": "v.1.2."}
- {"x": "v11"}

any where x regex "()" or x regex "(a|b)?c"
+ {"x": ""}
+ {"x": "bc"}
- {"x": "b"}

# numbers by their text
any where x regex "[0-9]+"
+ {"x": 42}
- {"x": 4.2}

any where x regex """(a*)*b|a?c"""
+ {"x": "aab"}
- {"x": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
