;; Puts data outside its memory.
;; @more
(data (i32.const 100000000) "x")
