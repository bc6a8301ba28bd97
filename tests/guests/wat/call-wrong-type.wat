;; Calls through its table what has another type.
;; @attack
(func $attack (result i32)
  (call_indirect $table (result i32) (i32.const 0)))
;; @more
(table $table 1 funcref)
(elem $table (i32.const 0) func $other)
(func $other (param f64))
