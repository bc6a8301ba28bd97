;; Has more memories than it may have.
;; @more
(memory 1) (memory 1) (memory 1)
