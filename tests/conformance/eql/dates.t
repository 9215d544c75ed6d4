# A date field against ISO 8601 or milliseconds; the value may be either or digits in a string.

any where @timestamp < "2017-08-30T20:47:32Z"
+ {"@timestamp": "2017-08-30T20:47:31.999Z"}
+ {"@timestamp": 1504126051999}
+ {"@timestamp": "1504126051999"}
+ {"@timestamp": "2017-08-30T22:47:31+02:00"}
- {"@timestamp": "2017-08-30T20:47:32Z"}
- {"@timestamp": 1504126052000}
- {}

any where @timestamp == "2017-08-30T20:47:32Z" or event.created == 7
+ {"@timestamp": 1504126052000}
+ {"@timestamp": "2017-08-30T20:47:32.000999999Z"}
- {"@timestamp": "2017-08-30T20:47:32.001Z"}
+ {"event.created": "1970-01-01T00:00:00.007Z"}

any where @timestamp in ("1970-01-01", 5) or process.start : "1970-01-02"
+ {"@timestamp": 0}
+ {"@timestamp": "1970-01-01T00:00:00.005Z"}
+ {"process.start": 86400000}
- {"@timestamp": 6}

any where @timestamp : "2017-*"
+ {"@timestamp": "2017-08-30T20:47:32Z"}
- {"@timestamp": "2018-08-30T20:47:32Z"}

any where @timestamp == "last week"
! 1:25: error: [@timestamp] is of type [date], "last week" is not
!     1 | any where @timestamp == "last week"
!       |                         ^~~~~~~~~~~
!       = write "2024-01-31T23:59:59Z" or milliseconds since 1970
