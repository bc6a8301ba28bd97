;; Traps before it is asked anything.
;; @more
(func $start unreachable) (start $start)
