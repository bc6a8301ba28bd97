;; Never ends before it is asked anything.
;; @more
(func $start (loop $ever (br $ever))) (start $start)
