;; Begins with a larger table than it may have.
;; @more
(table 10000000 funcref)
