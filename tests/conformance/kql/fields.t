# A pattern for a field is matched with the names lintel knows.

process.parent.*: sh
+ {"process.parent.name": "sh"}
+ {"process.parent.args": ["x", "sh"]}
- {"process.name": "sh"}
- {"process.parent.unknown": "sh"}

process.*name: (sh or bash*)
+ {"process.parent.name": "sh"}
+ {"process.name": "bash5"}
- {"process.executable": "sh"}

# fields the value does not fit are passed over
process.*: 17
+ {"process.pid": 17}
+ {"process.args": "17"}
- {"process.pid": 18}

process.p*id > 17
+ {"process.pid": 18}
+ {"process.ppid": 18}
- {"process.pid": 17}

file.*: *
+ {"file.name": ""}
- {"process.name": "x"}
- {}

*: curl
+ {"process.name": "curl"}
+ {"user.name": "curl"}
- {"process.name": "wget"}

# a value without a field is asked of all of them
curl
+ {"process.name": "curl"}
+ {"process.args": ["-s", "curl"]}
- {"process.command_line": "curl x"}

"/usr/bin/curl" and not *.sh
+ {"process.executable": "/usr/bin/curl"}
- {"process.executable": "/usr/bin/curl", "file.name": "a.sh"}

4711
+ {"process.pid": 4711}
+ {"process.args": "4711"}
- {"process.pid": 4712}

no.such.*: x
! 1:1: error: no field that lintel knows matches this pattern
!     1 | no.such.*: x
!       | ^~~~~~~~~
!       = a pattern is matched with the names of docs/fields.md; others must be written out

# nested queries
dll: { name: x }
+ {"dll": [{"name": "y"}, {"name": "x"}]}
+ {"dll.name": "x"}
- {"name": "x"}

dll: { name: (x or y) or hash: { md5: z } }
+ {"dll": [{"name": "x"}, {"hash": {"md5": "z"}}]}
- {"dll": [{"name": "z"}]}

dll: { name: x and hash: { md5: (a or b) } }
! 1:1: warning: a nested query is judged over all objects of the field together
!     1 | dll: { name: x and hash: { md5: (a or b) } }
!       | ^~~
!       = it does not look for a single object that meets all of it
+ {"dll": [{"name": "x", "hash": {"md5": "b"}}]}
+ {"dll": [{"name": "x"}, {"hash": {"md5": "b"}}]}
- {"dll": [{"name": "x"}]}

process: { par*.name: sh }
+ {"process.parent.name": "sh"}
- {"process.name": "sh"}

not dll: { size > 5 }
+ {"dll.size": 5}
- {"dll.size": 6}
