;; Has a name that is not UTF-8.
;; @manifest
(data (i32.const 1024) (i32 1000 4 32 5 0 0 2048 2)) (data (i32.const 1000) "\ff\fe\fd\fc")
(data (i32.const 2048) (i32 80 4 0 96 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
(data (i32.const 2124) (i32 48 6 0 64 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
