a: \(x\)\:\<\>\"\{\}\\
+ {"a": "(x):<>\"{}\\"}

a: C\:\\Windows\\*.exe
+ {"a": "C:\\Windows\\cmd.exe"}
- {"a": "C:Windowscmd.exe"}

a: "C:\\x\"y"
+ {"a": "C:\\x\"y"}

# within quotes a backslash before anything else is one
a: "\d+\."
+ {"a": "\\d+\\."}

a: "x\ty\nz\r"
+ {"a": "x\ty\nz\r"}

a: x\ty
+ {"a": "x\ty"}

a: "\u00e9\u20ac"
+ {"a": "é€"}

a: \u0041*
+ {"a": "ABC"}
- {"a": "BC"}

a: "\ud83d\ude00"
+ {"a": "😀"}

a: "\ud83dx"
+ {"a": "\ufffdx"}

a: "\u12"
+ {"a": "\\u12"}

a: x \or y
+ {"a": "x or y"}

a: \and b
+ {"a": "and b"}

a: \NOT b
+ {"a": "NOT b"}

a: \not b
+ {"a": "not b"}

# a name with special characters
kubernetes.x.io\/pod: x
! 1:16: error: expected [and], [or] or the end, found [\]
!     1 | kubernetes.x.io\/pod: x
!       |                ^
!       = outside of quotes a backslash stands before \ ( ) : < > " * { } or, and, not, t, r, n, uXXXX; itself it is written \\

a\:b: x
+ {"a:b": "x"}

process.args:\"/usr/bin/7za*
+ {"process.args": "\"/usr/bin/7za\""}
- {"process.args": "/usr/bin/7za"}
