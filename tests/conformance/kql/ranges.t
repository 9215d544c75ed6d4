process.args_count >= 3
+ {"process.args_count": 3}
+ {"process.args_count": 30}
- {"process.args_count": 2}
- {}

process.args_count<3
+ {"process.args_count": 2}
- {"process.args_count": 3}

a > 5 and a <= 7.5
+ {"a": 7.5}
+ {"a": "6"}
- {"a": 5}
- {"a": 8}
- {"a": "x"}

a > "5"
+ {"a": 10}

a > -1
+ {"a": 0}
- {"a": -1}

not a > 5
+ {}
+ {"a": 5}
- {"a": 6}

# texts in order of their characters
file.name >= m
+ {"file.name": "m"}
+ {"file.name": "z"}
- {"file.name": "a"}
- {"file.name": "Z"}

# dates: what is left open is early for >= and <, late for > and <=
@timestamp >= "2024-01-15"
+ {"@timestamp": "2024-01-15T00:00:00Z"}
- {"@timestamp": "2024-01-14T23:59:59.999Z"}

@timestamp > 2024-01-15
+ {"@timestamp": "2024-01-16T00:00:00Z"}
- {"@timestamp": "2024-01-15T23:59:59Z"}

@timestamp <= 2024-01-15
+ {"@timestamp": "2024-01-15T23:59:59.999Z"}
- {"@timestamp": "2024-01-16T00:00:00Z"}

@timestamp < 2024-01-15
+ {"@timestamp": "2024-01-14T23:59:59Z"}
- {"@timestamp": "2024-01-15T00:00:00Z"}

@timestamp < "2024-02"
+ {"@timestamp": "2024-01-31T23:59:59Z"}
- {"@timestamp": "2024-02-01T00:00:00Z"}

@timestamp < 2024
+ {"@timestamp": "2023-12-31T23:59:59Z"}
- {"@timestamp": "2024-01-01T00:00:00Z"}

@timestamp <= "2024-01-15T10:30"
+ {"@timestamp": "2024-01-15T10:30:59Z"}
- {"@timestamp": "2024-01-15T10:31:00Z"}

@timestamp < "2024-01-15T10:30:00.5+02:00"
+ {"@timestamp": "2024-01-15T08:30:00.499Z"}
- {"@timestamp": "2024-01-15T08:30:00.5Z"}

@timestamp >= 1705312800000
+ {"@timestamp": "2024-01-15T10:00:00Z"}
- {"@timestamp": "2024-01-15T09:59:59.999Z"}

# date math
@timestamp < "2024-01-31||+1M"
+ {"@timestamp": "2024-02-28T23:59:59Z"}
- {"@timestamp": "2024-02-29T00:00:00Z"}

@timestamp >= "2024-03-15||-1M/M"
+ {"@timestamp": "2024-02-01T00:00:00Z"}
- {"@timestamp": "2024-01-31T23:59:59Z"}

@timestamp <= "2024-03-15||/y"
+ {"@timestamp": "2024-12-31T23:59:59.999Z"}
- {"@timestamp": "2025-01-01T00:00:00Z"}

@timestamp >= "2024-01-18T10:00:00Z||/w"
+ {"@timestamp": "2024-01-15T00:00:00Z"}
- {"@timestamp": "2024-01-14T23:59:59Z"}

@timestamp < "2024-01-01||+1d+2h-30m+5s"
+ {"@timestamp": "2024-01-02T01:30:04Z"}
- {"@timestamp": "2024-01-02T01:30:05Z"}

# now is when the event happens
@timestamp >= now-1d
+ {"@timestamp": "2001-01-01T00:00:00Z"}

@timestamp > now-1h/d
! 1:14: error: [now-1h/d] moves on: [@timestamp] cannot be compared with it
!     1 | @timestamp > now-1h/d
!       |              ^~~~~~~~
!       = [now] is the event's own @timestamp, and only @timestamp is compared with it

@timestamp <= now
+ {"@timestamp": "2001-01-01T00:00:00Z"}

@timestamp < now-1d
- {"@timestamp": "2001-01-01T00:00:00Z"}

@timestamp > "now-2d/d"
+ {"@timestamp": "2001-01-01T00:00:00Z"}

process.start >= now-1h
! 1:18: error: [now-1h] moves on: [process.start] cannot be compared with it
!     1 | process.start >= now-1h
!       |                  ^~~~~~
!       = [now] is the event's own @timestamp, and only @timestamp is compared with it

# addresses, IPv4 within IPv6
source.ip >= 10.0.0.5
+ {"source.ip": "10.0.0.5"}
+ {"source.ip": "10.0.0.6"}
+ {"source.ip": "255.255.255.255"}
+ {"source.ip": "2001:db8::1"}
- {"source.ip": "10.0.0.4"}
- {"source.ip": "::1"}

source.ip < 10.0.0.5
+ {"source.ip": "10.0.0.4"}
+ {"source.ip": "0.0.0.0"}
+ {"source.ip": "::1"}
- {"source.ip": "10.0.0.5"}
- {"source.ip": "2001:db8::1"}

source.ip > 10.0.0.5 and source.ip <= "10.0.0.9"
+ {"source.ip": "10.0.0.6"}
+ {"source.ip": "10.0.0.9"}
- {"source.ip": "10.0.0.5"}
- {"source.ip": "10.0.0.10"}

source.ip > "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
- {"source.ip": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}

source.ip >= "::"
+ {"source.ip": "::"}
+ {"source.ip": "1.2.3.4"}
