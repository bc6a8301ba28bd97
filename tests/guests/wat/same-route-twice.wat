;; Has the same route twice, under two ids.
;; @manifest
(data (i32.const 1024) (i32 16 4 32 5 0 0 2048 2))
(data (i32.const 2048) (i32 48 6 0 64 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
(data (i32.const 2124) (i32 80 4 0 64 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
