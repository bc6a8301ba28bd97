;; Begins with more memory than it may have.
;; @memory
(memory (export "memory") 1025)
