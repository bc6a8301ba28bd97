;; Says that it has 100,000,000 routes.
;; @manifest
(data (i32.const 1024) (i32 16 4 32 5 0 0 2048 100000000))
