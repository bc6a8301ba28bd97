;; Wants ever larger tables.
;; @attack
(func $attack (result i32)
  (loop $more
    (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 5000)) (i32.const -1))))
  i32.const 4096)
;; @more
(table $table 1 funcref)
