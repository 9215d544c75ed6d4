# The examples of docs/eql.md, in its order.

process where process.name : "nc" and process.args == "-e"
+ {"event.category": "process", "process": {"name": "NC", "args": ["nc", "-e"]}}

any where raw == """say "x"""" and `a b`.c == 1
+ {"raw": "say \"x\"", "a b": {"c": 1}}

any where concat(user.name, "@", host.name) == "root@db1"
+ {"user.name": "root", "host.name": "db1"}

# missing values
any where x == "a" or x : "a*" or x > 1 or x in (1, 2) or startsWith(x, "a") or x != null or x : "*"
- {}

any where x != "a" and not x : "a*" and x not in (1, 2) and not startsWith(x, "a") and x == null
+ {}

any where x != null and x != "a"
- {}
+ {"x": "b"}

any where null == (x > 1) and concat(x, "a") == null
+ {}

# several values
any where args == "-i" and args == "-c"
+ {"args": ["sh", "-i", "-c"]}

any where args != "-i" or not args : "-*" or length(args) > 2
- {"args": ["sh", "-i", "-c"]}

# numbers
any where -7 / 2 == -3 and -7 % 2 == -1
+ {}

any where process.pid == "5" and x == "5" and x == 5 and x : "5"
+ {"process.pid": 5, "x": 5}

any where @timestamp >= "2024-01-31T12:00:00Z" and @timestamp < 1706702400001
+ {"@timestamp": 1706702400000}
- {"@timestamp": 1706702399999}

# functions
any where between("a<b>c>", "<", ">") == "b" and between("a<b>c>", "<", ">", true) == "b>c" and concat("a", 1, true) == "a1true" and indexOf("banana", "a", 2) == 3 and length("") == 0 and number("0xff") == 255 and number("777", 8) == 511 and string(2.0) == "2.0" and string(true) == "true" and substring("hello", -4, -1) == "ell"
+ {}

any where cidrMatch(destination.ip, "10.0.0.0/8", "::1")
+ {"destination.ip": "10.9.8.7"}
+ {"destination.ip": "::1"}

# regular expressions
any where process.command_line regex ".*[0-9]{1,3}(\\.[0-9]{1,3}){3}.*" and process.name regex~ """python[23]?(\.<0-20>)?"""
+ {"process.command_line": "curl http://192.0.2.1/x", "process.name": "Python3.11"}
- {"process.command_line": "curl http://192.0.2.1/x", "process.name": "python3.21"}

# sequences, samples, pipes
sequence by host.id with maxspan=1m
  [file where event.action == "creation" and file.path : "/tmp/*"] by file.path
  [process where event.action == "exec"] by process.executable

sequence by process.entity_id with maxspan=10s
  [process where event.action == "exec" and process.name == "sshd"]
  ![network where event.action == "connection_accepted"]

sample by host.id [process where process.name == "nmap"] [file where file.name == "passwords.txt"]

any where true | tail 10 | head 7
= event, keys 0
= filter 0: any where true
= tail 10
= head 7

# differences from Elasticsearch
any where no.such.field == 1
- {}

any where user.age : "5*"
+ {"user.age": 50}

any where x + 1 == 2 or 1 / x == 1
- {"x": "1"}
- {"x": 0}

any where x : "\u{C9}*"
- {"x": "\u00e9"}

any where @timestamp == "2024-01-31"
+ {"@timestamp": "2024-01-31T00:00:00Z"}
- {"@timestamp": "2024-01-31T00:00:01Z"}

any where "\uE000" < "\u{1F600}"
+ {}
