# Texts are compared whole and with case; a missing field has no value.

process.name: sh
+ {"process.name": "sh"}
+ {"process.name": ["bash", "sh"]}
- {"process.name": "SH"}
- {"process.name": "ash"}
- {"process.name": ["bash"]}
- {}

process.name:"sh"
+ {"process.name": "sh"}
- {"process.name": "\"sh\""}

not process.name: sh
+ {}
+ {"process.name": "bash"}
- {"process.name": "sh"}
- {"process.name": ["bash", "sh"]}

# any value, also an empty one
process.name: *
+ {"process.name": ""}
+ {"process.name": "sh"}
- {"process.name": null}
- {"process.name": []}
- {}

not process.name: *
+ {}
- {"process.name": "x"}

process.name: **
+ {"process.name": ""}
- {}

# quoted, a star is a star
process.args: "*"
+ {"process.args": ["a", "*"]}
- {"process.args": ["a"]}

process.args: \*
+ {"process.args": "*"}
- {"process.args": "a"}

process.args: \*.c*
+ {"process.args": "*.cc"}
- {"process.args": "x.cc"}

process.name: py*n*
+ {"process.name": "python3"}
+ {"process.name": "pyn"}
- {"process.name": "Python3"}
- {"process.name": "xpython"}

# only * is special
file.name: ?.c*
+ {"file.name": "?.cc"}
- {"file.name": "a.cc"}

file.path: */a/*
+ {"file.path": "/x/a/b"}
+ {"file.path": "/a/\n"}
- {"file.path": "/x/b"}

# white space belongs to an unquoted value, but not around it
process.command_line:   rm -rf   /tmp  
+ {"process.command_line": "rm -rf   /tmp"}
- {"process.command_line": "rm -rf /tmp"}
- {"process.command_line": "rm"}

process.command_line: *rm -rf*
+ {"process.command_line": "sh -c rm -rf /"}
- {"process.command_line": "rm"}

# numbers
process.pid: 5
+ {"process.pid": 5}
- {"process.pid": 55}

process.pid: (1 or 2 or 3)
+ {"process.pid": 2}
+ {"process.pid": [7, 3]}
- {"process.pid": 4}

some.number: 5
+ {"some.number": 5}
+ {"some.number": 5.0}
+ {"some.number": "5"}
- {"some.number": "05x"}

process.pid: 5.0
+ {"process.pid": 5}

process.user.id: 0
+ {"process.user.id": "0"}
+ {"process.user.id": 0}
- {"process.user.id": "00x"}

# booleans
process.interactive: true
+ {"process.interactive": true}
- {"process.interactive": false}
- {}

process.interactive: "false"
+ {"process.interactive": false}
- {"process.interactive": true}

volume.removable: true
+ {"volume.removable": true}
+ {"volume.removable": "true"}
- {"volume.removable": "yes"}
- {"volume.removable": false}

# addresses
source.ip: 10.0.0.0/8
+ {"source.ip": "10.1.2.3"}
+ {"source.ip": ["::1", "10.1.2.3"]}
- {"source.ip": "10.0.0.0/8"}
- {"source.ip": "11.1.2.3"}
- {"source.ip": "x"}
- {}

# a field of unknown type may hold the text
relay.ip: 10.0.0.0/8
+ {"relay.ip": "10.1.2.3"}
+ {"relay.ip": "10.0.0.0/8"}
- {"relay.ip": "11.1.2.3"}
- {"relay.ip": "x"}
- {}

source.ip: (192.168.0.0/16 or "127.0.0.1" or "fe80::/10")
+ {"source.ip": "192.168.7.7"}
+ {"source.ip": "127.0.0.1"}
+ {"source.ip": "fe80::1"}
- {"source.ip": "127.0.0.2"}

destination.ip: "::1"
+ {"destination.ip": "0:0:0:0:0:0:0:1"}
+ {"destination.ip": "::1"}
- {"destination.ip": "::2"}

file.path: /etc/10.0.0.0/8
+ {"file.path": "/etc/10.0.0.0/8"}
- {"file.path": "10.1.1.1"}

# a field of keywords is text, whatever it looks like
file.name: 10.0.0.0/8
+ {"file.name": "10.0.0.0/8"}
- {"file.name": "10.1.1.1"}

# dates: a day is all of it
process.start: 2024-02-29
+ {"process.start": "2024-02-29T00:00:00Z"}
+ {"process.start": "2024-02-29T23:59:59.999Z"}
- {"process.start": "2024-03-01T00:00:00Z"}
- {"process.start": "2024-02-28T23:59:59.999Z"}

process.start: "2024-02-29T12"
+ {"process.start": "2024-02-29T12:59:59Z"}
- {"process.start": "2024-02-29T13:00:00Z"}

process.start: 1709208000000
+ {"process.start": "2024-02-29T12:00:00Z"}
- {"process.start": "2024-02-29T12:00:00.001Z"}

# Elastic's sub-fields that know no case
process.name.caseless: SH
+ {"process.name": "sh"}
- {"process.name": "bash"}

process.name.caseless: (S* or BASH)
+ {"process.name": "sh"}
+ {"process.name": "bash"}
- {"process.name": "dash"}

# characters that are nothing special
host.name: db-01.example.com
+ {"host.name": "db-01.example.com"}

a.b: $x/y-z_?=,;'[]|&!+~^%#@.
+ {"a.b": "$x/y-z_?=,;'[]|&!+~^%#@."}

`a`: b
+ {"`a`": "b"}

größe.wert: "äöü"
+ {"größe.wert": "äöü"}

# a name of a field with a blank
two words: x
+ {"two words": "x"}

"quoted.name": x
+ {"quoted.name": "x"}
